import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { pack } from "../../scripts/package.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BIN = path.join(ROOT, "node_modules/.bin");

// npm and the compiler take their time on a busy machine
jest.setTimeout(120_000);

let folder: string;
let tarball: string;
let installed: string;
let api: TestApi;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "ringback-client-"));
  const staged = path.join(folder, "staged");
  // a process of its own, as the bundler does not run in a sandbox of Jest
  execFileSync(process.execPath, [path.join(ROOT, "scripts/client-package.ts"), staged]);
  tarball = pack(staged, folder);
  rmSync(staged, { recursive: true });
  // npm finds nothing to fetch
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], {
    cwd: folder,
    stdio: ["ignore", "ignore", "inherit"],
  });
  installed = path.join(folder, "node_modules/@ringback/client");
  api = await startApi();
});
afterAll(async () => {
  await api?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A program of an empty project: it submits a job and takes the callback, verified. */
const PROGRAM = `
import { once } from "node:events";
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { Ringback } from "@ringback/client";
import { receiveWebhooks } from "@ringback/client/express";
import { verifyWebhook, WebhookError } from "@ringback/client/webhooks";

const ringback = new Ringback();
const taken = Promise.withResolvers?.() ?? {};
taken.promise ??= new Promise((resolve) => (taken.resolve = resolve));
let secret;
const server = createServer(async (request, response) => {
  const body = await buffer(request);
  const webhook = await verifyWebhook(body, request.headers, secret);
  const forged = await verifyWebhook(body + " ", request.headers, secret).catch((error) => error);
  response.writeHead(204).end();
  taken.resolve({ type: webhook.type, forged: forged instanceof WebhookError && forged.code });
}).listen(0, "127.0.0.1");
await once(server, "listening");
const url = "http://127.0.0.1:" + server.address().port + "/";
secret = await ringback.signing.secretFor(url);
const job = await ringback.jobs.submit("demo.sleep", { ms: 400 }, { callback_url: url });
const events = [];
for await (const { type } of job.activity()) events.push(type);
const result = await job.result();
console.log(JSON.stringify({
  ...(await taken.promise), last: events.at(-1), result: typeof result.slept_ms,
  express: typeof receiveWebhooks(secret),
}));
server.close();
`;

test("it installs nothing but itself, from its tarball alone", () => {
  expect(readdirSync(path.join(folder, "node_modules")).filter((name) => name[0] !== ".")).toEqual([
    "@ringback",
  ]);
  expect(readdirSync(path.join(folder, "node_modules/@ringback"))).toEqual(["client"]);
  const manifest = JSON.parse(readFileSync(path.join(installed, "package.json"), "utf8")) as object;
  expect(manifest).not.toHaveProperty("dependencies");
  const root = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as object;
  expect(manifest).toMatchObject({ version: (root as { version: string }).version });
  expect(readFileSync(path.join(installed, "LICENSE"), "utf8")).toContain("eventsource-parser");
  expect(statSync(tarball).size).toBeLessThan(60_000);
});

test("its code imports only its own files, so it runs where there is no Node", () => {
  const dist = path.join(installed, "dist");
  for (const name of readdirSync(dist).filter((one) => /\.(js|d\.ts)$/.test(one))) {
    const text = readFileSync(path.join(dist, name), "utf8");
    const imported = [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map((match) => match[1]!);
    const foreign = imported.filter((one) => !one.startsWith("./"));
    // the middleware for Express has the types of Node's requests
    expect([name, foreign]).toEqual([name, name === "express.d.ts" ? ["node:http"] : []]);
  }
});

const nodes = [process.execPath, "/usr/bin/node", "/usr/local/bin/node"].filter(
  (file) => existsSync(file) && majorOf(file) >= 20,
);

test.each(nodes)("a callback is verified with it, by %s", async (node) => {
  writeFileSync(path.join(folder, "program.mjs"), PROGRAM);
  const env = {
    RINGBACK_URL: `http://127.0.0.1:${api.port}`,
    RINGBACK_API_KEY: api.apiKey,
  };
  const { stdout } = await promisify(execFile)(node, ["program.mjs"], { cwd: folder, env });
  expect(JSON.parse(stdout)).toEqual({
    type: "job.completed",
    forged: "no_matching_signature",
    last: "job.completed",
    result: "number",
    express: "function",
  });
});

test.each([
  ["publint", ["--strict"]],
  ["attw", ["--profile", "esm-only", "--no-emoji", "--no-color"]],
])("%s finds nothing", async (tool, options) => {
  await promisify(execFile)(process.execPath, [path.join(BIN, tool), tarball, ...options]);
});

test("the examples of its page have no error of types", async () => {
  const page = readFileSync(path.join(installed, "README.md"), "utf8");
  const files = [...page.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match, index) => {
    const name = `example-${index}.ts`;
    writeFileSync(path.join(folder, name), match[1]!);
    return name;
  });
  expect(files).toHaveLength(2);
  const types = path.join(folder, "node_modules/@types");
  if (!existsSync(types)) symlinkSync(path.join(ROOT, "node_modules/@types"), types);
  const options = { strict: true, noEmit: true, module: "nodenext", target: "es2024" };
  writeFileSync(
    path.join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...options, types: ["node"] }, files }),
  );
  const manifest = path.join(folder, "package.json");
  const own = JSON.parse(readFileSync(manifest, "utf8")) as object;
  writeFileSync(manifest, JSON.stringify({ ...own, type: "module" }));
  await promisify(execFile)(path.join(BIN, "tsc"), ["-p", folder]).catch(
    ({ stdout }: { stdout: string }) => {
      throw new Error(stdout);
    },
  );
});

function majorOf(node: string): number {
  return Number(execFileSync(node, ["--version"], { encoding: "utf8" }).slice(1).split(".")[0]);
}
