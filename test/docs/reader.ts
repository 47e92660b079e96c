import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { rootDir } from "./markdown.ts";

/** An answer that `curl` got. */
export interface Got {
  method: string;
  url: string;
  status: number;
  body: unknown;
}

export interface Running {
  output(): string;
  /** Whether it goes on. */
  isAlive(): boolean;
  stop(): Promise<void>;
}

/** Someone who pastes what a page says into a shell, in a folder with `.ringback/api-key`. */
export interface Reader {
  folder: string;
  /** The port that stands for 4000. */
  port: number;
  /** Writes a file as the page shows it. */
  save(name: string, text: string): string;
  /** Runs a block to its end. Returns what its calls of curl got. */
  paste(block: string, env?: Record<string, string>): Promise<Got[]>;
  /** Runs a block that goes on. */
  start(block: string, env?: Record<string, string>): Running;
  close(): void;
}

// The options that the pages use and no others, so that the tests need no curl.
const CURL = `#!${process.execPath}
const fs = require("node:fs");
let url, method, body;
const headers = {};
for (let rest = process.argv.slice(2); rest.length > 0; ) {
  const word = rest.shift();
  if (word === "-s") continue;
  if (word === "-X") method = rest.shift();
  else if (word === "-d") body = rest.shift();
  else if (word === "-H") {
    const [, name, value] = /^([^:]+): (.*)$/.exec(rest.shift());
    headers[name] = value;
  } else if (word.startsWith("-") || url !== undefined) throw new Error("curl: " + word);
  else url = word.startsWith("http") ? word : "http://" + word;
}
method ??= body === undefined ? "GET" : "POST";
fetch(url, { method, headers, body }).then(async (answer) => {
  const text = await answer.text();
  process.stdout.write(text);
  const got = { method, url, status: answer.status, body: JSON.parse(text) };
  fs.appendFileSync(process.env.CURL_LOG, JSON.stringify(got) + "\\n");
});
`;

// `npx ringback`, `npx node` and `npm start` of this checkout
const NPX = `#!/bin/sh
case "$1" in
  ringback) shift; exec node ${rootDir}src/cli/main.ts "$@" ;;
  node) shift; exec node "$@" ;;
  *) echo "npx: $1" >&2; exit 127 ;;
esac
`;
const NPM = `#!/bin/sh
case "$*" in
  ci) ;;
  start) exec env PORT=0 node ${rootDir}src/cli/main.ts serve ;;
  *) echo "npm: $*" >&2; exit 127 ;;
esac
`;

export async function createReader(api: { port: number; apiKey: string }): Promise<Reader> {
  const folder = mkdtempSync(path.join(tmpdir(), "ringback-reader-"));
  const port = await freePort();
  const log = path.join(folder, "curl.log");
  function save(name: string, text: string): string {
    const file = path.join(folder, name);
    writeFileSync(file, text.replaceAll("4000", String(port)));
    return file;
  }
  mkdirSync(path.join(folder, "bin"));
  mkdirSync(path.join(folder, ".ringback"));
  for (const [name, text] of Object.entries({ curl: CURL, npx: NPX, npm: NPM })) {
    writeFileSync(path.join(folder, "bin", name), text);
    chmodSync(path.join(folder, "bin", name), 0o755);
  }
  writeFileSync(path.join(folder, ".ringback/api-key"), `${api.apiKey}\n`);
  symlinkSync(path.join(rootDir, "node_modules"), path.join(folder, "node_modules"));

  function run(block: string, env: Record<string, string> = {}) {
    const text = block
      .replaceAll("localhost:3000", `127.0.0.1:${api.port}`)
      .replaceAll("4000", String(port));
    const search = [path.join(folder, "bin"), path.dirname(process.execPath), process.env["PATH"]];
    const child = spawn("sh", ["-euc", text], {
      cwd: folder,
      // a group of its own, so that what the shell started can be ended with it
      detached: true,
      env: { PATH: search.join(":"), CURL_LOG: log, KEY: api.apiKey, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (piece: string) => (output += piece));
    }
    return { child, output: () => output, ended: once(child, "close") };
  }

  return {
    folder,
    port,
    save,
    async paste(block, env) {
      writeFileSync(log, "");
      const { output, ended } = run(block, env);
      const [code] = (await ended) as [number | null];
      if (code !== 0) throw new Error(`the block ended with ${code}: ${output()}\n${block}`);
      const lines = readFileSync(log, "utf8").split("\n").filter(Boolean);
      return lines.map((line) => JSON.parse(line) as Got);
    },
    start(block, env) {
      const { child, output, ended } = run(block, env);
      return {
        output,
        isAlive: () => child.exitCode === null && child.signalCode === null,
        async stop() {
          if (child.exitCode === null) process.kill(-child.pid!, "SIGTERM");
          await ended;
        },
      };
    },
    close() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Looks until there is something. */
export async function eventually<T>(
  what: string,
  look: () => T | null | Promise<T | null>,
): Promise<T> {
  const deadline = performance.now() + 15_000;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await sleep(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** Waits until a server answers at all. Returns the status of a call that nobody signed. */
export async function untilItListens(url: string): Promise<number> {
  return await eventually(`${url} to listen`, () =>
    fetch(url, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    }).then(
      ({ status }) => status,
      () => null,
    ),
  );
}
