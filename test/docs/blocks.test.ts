import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { ENTRIES, fromSource } from "../support/from-source.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";
import { blocksOf } from "./blocks.ts";
import type { Block } from "./blocks.ts";
import { rootDir } from "./markdown.ts";
import { createReader, eventually } from "./reader.ts";
import type { Reader, Running } from "./reader.ts";

const GUIDES = readdirSync(path.join(rootDir, "docs/guides")).map((name) => `docs/guides/${name}`);
const PAGES = ["README.md", "docs/quick-start.md", ...GUIDES];
/** It starts Ringbacks of its own, and is run by test/testing/guide.test.ts. */
const RUN_ELSEWHERE = "docs/guides/testing.md";
const EXAMPLE = "docs/examples/word-count.ts";
/** The ids that pages show, for which an endpoint and a delivery that exist stand in. */
const SHOWN = "01kdmq6nt8f6rs6pxaq0pckyva";

const blocks = PAGES.flatMap(blocksOf);

let api: TestApi;
let endpoint: string;
let delivery: string;
let receiver: Receiver;
beforeAll(async () => {
  api = await startApi({
    config: { jobTypeModules: [pathToFileURL(path.join(rootDir, EXAMPLE)).href] },
  });
  receiver = await startReceiver();
  const body = { url: receiver.url };
  endpoint = String((await api.ask("POST", "/v1/endpoints", { body })).body["id"]);
  const tested = await api.ask("POST", `/v1/endpoints/${endpoint}/test`);
  delivery = String(tested.body["id"]);
});
afterAll(async () => {
  await api?.stop();
  await receiver?.close();
});

describe("every block of README and guides", () => {
  test("is in a language that is run here, and few are not run", () => {
    expect(blocks.filter(({ language }) => !["sh", "ts", "js"].includes(language))).toEqual([]);
    expect(blocks.length).toBeGreaterThan(40);
    const left = blocks.flatMap(({ page, use }) =>
      use.kind === "not run" ? `${page}: ${use.why}` : [],
    );
    expect(left).toEqual([
      "README.md: it would run this test",
      "docs/guides/operations.md: each line goes on, on a machine of its own",
    ]);
  });

  // operations last: it changes keys
  const order = PAGES.filter((page) => page !== RUN_ELSEWHERE).toSorted(
    (a, b) => Number(a.includes("operations")) - Number(b.includes("operations")),
  );
  test.each(order)(
    "works as pasted: %s",
    async (page) => {
      const reader = await createReader(api);
      const running: Running[] = [];
      symlinkSync(path.join(rootDir, "docs"), path.join(reader.folder, "docs"));
      try {
        for (const block of blocksOf(page)) await paste(block, reader, running);
        for (const one of running)
          expect([one.isAlive(), one.output()]).toEqual([true, one.output()]);
      } finally {
        for (const one of running) await one.stop();
        reader.close();
      }
    },
    120_000,
  );

  test("in TypeScript has no error of types", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "ringback-types-"));
    try {
      symlinkSync(path.join(rootDir, "node_modules"), path.join(folder, "node_modules"));
      mkdirSync(path.join(folder, "src"));
      for (const { language, text, page, line } of blocks) {
        const name = `${page.replaceAll(/\W/g, "-")}-${line}.ts`;
        if (language === "ts")
          writeFileSync(path.join(folder, "src", name), `${text}\nexport {};\n`);
      }
      writeFileSync(path.join(folder, "package.json"), '{"type":"module"}');
      writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(TYPES));
      const tsc = path.join(rootDir, "node_modules/.bin/tsc");
      await promisify(execFile)(tsc, ["-p", folder]).catch((error: { stdout: string }) => {
        throw new Error(error.stdout);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});

/** How a reader's project is set up, but that the package is this checkout. */
const TYPES = {
  compilerOptions: {
    strict: true,
    noEmit: true,
    module: "nodenext",
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    exactOptionalPropertyTypes: true,
    types: ["node"],
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    paths: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, file]) => [name, [path.join(rootDir, "src", file)]]),
    ),
  },
  include: ["src"],
};

/** The blocks of a page are pasted into one terminal, which keeps what they set. */
const TERMINAL = "set -a; touch .terminal; . ./.terminal\n";

async function paste(block: Block, reader: Reader, running: Running[]): Promise<void> {
  const { language, line, page } = block;
  if (block.use.kind === "not run") return;
  const env = environmentOf(reader);
  const text = block.text
    .replaceAll("http://127.0.0.1:3000", `http://127.0.0.1:${api.port}`)
    .replaceAll(`ep_${SHOWN}`, endpoint)
    .replaceAll(`dlv_${SHOWN}`, delivery);
  const file =
    block.use.kind === "file"
      ? block.use.name
      : `block-${line}.${language === "ts" ? "ts" : "mjs"}`;
  if (language !== "sh") reader.save(file, fromSource(text));
  if (block.use.kind === "file") return;
  const call = language === "sh" ? text : `node ${file}`;
  if (block.use.kind === "run") {
    const got = await reader.paste(`${TERMINAL}${call}\nexport -p > .terminal`, env);
    const refused = got.filter(({ status }) => status >= 400);
    expect(refused).toEqual([]);
    return;
  }
  const started = reader.start(call, env);
  running.push(started);
  await eventually(`${page}, line ${line}, to begin`, async () => {
    if (!started.isAlive()) throw new Error(started.output());
    return started.output() !== "" || (await listens(reader.port)) ? true : null;
  });
}

function environmentOf(reader: Reader): Record<string, string> {
  return {
    RINGBACK_URL: `http://127.0.0.1:${api.port}`,
    RINGBACK_API_KEY: api.apiKey,
    DATABASE_URL: api.database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    SECRET: `whsec_${Buffer.alloc(24, 7).toString("base64")}`,
    JWKS_URL: `http://127.0.0.1:${api.port}/.well-known/jwks.json`,
    HOME: reader.folder,
  };
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
