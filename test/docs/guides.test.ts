import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { loadJobTypes } from "../../src/compute/registry.ts";
import type { RunContext } from "../../src/core/job-type.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { fromSource } from "../support/from-source.ts";
import { startReceiver } from "../support/receiver.ts";
import type { ReceivedRequest } from "../support/receiver.ts";
import { codeBlocks, readDoc, rootDir } from "./markdown.ts";
import { createReader, eventually, untilItListens } from "./reader.ts";
import type { Reader } from "./reader.ts";

const RECEIVE = readDoc("docs/guides/receive-webhooks.md");
const WRITE = readDoc("docs/guides/write-a-job-type.md");

let api: TestApi;
let reader: Reader;

beforeAll(async () => {
  const module = /RINGBACK_JOB_TYPES=(\S+) npm start/.exec(WRITE)![1]!;
  api = await startApi({
    config: { jobTypeModules: [pathToFileURL(path.resolve(rootDir, module)).href] },
  });
  reader = await createReader(api);
});
afterAll(async () => {
  reader?.close();
  await api?.stop();
});

describe("write a job type", () => {
  test("the example is loaded, and its job computes", async () => {
    const submission = [...WRITE.matchAll(/^```sh\n(.*?)^```$/gms)].at(-1)![1]!;
    const [done] = await reader.paste(submission);
    expect(done).toMatchObject({ status: 200, body: { status: "completed" } });
    const { id } = done!.body as { id: string };
    const result = await api.ask("GET", `/v1/jobs/${id}/result`);
    expect(result.body).toEqual({
      words: 6,
      distinct: 4,
      top: [
        { word: "to", count: 2 },
        { word: "be", count: 2 },
      ],
    });
  });

  test("the shape it shows is a job type", async () => {
    const text = /^```ts\n(.*?)^```$/ms.exec(WRITE)![1]!;
    const ringback = pathToFileURL(path.join(rootDir, "src/index.ts")).href;
    const file = reader.save("shape.mjs", text.replace('"ringback"', JSON.stringify(ringback)));
    const types = await loadJobTypes([pathToFileURL(file).href]);
    const run = (value: string) =>
      types.get("text.length")!.run({ input: { text: value } } as RunContext<unknown>);
    expect(run("abc")).toEqual({ characters: 3 });
    expect(() => run("")).toThrow("the text is empty");
  });
});

describe("receive webhooks", () => {
  test("the Express receiver verifies, deduplicates and answers", async () => {
    const { body } = await api.ask("GET", "/v1/signing-secret");
    const secret = body["secret"] as string;
    reader.save("express.mjs", codeBlocks(RECEIVE, "Verify, deduplicate, answer", "js")[0]!);
    const url = `http://127.0.0.1:${reader.port}/webhooks`;
    const receiver = reader.start("node express.mjs", { SECRET: secret });
    try {
      expect(await untilItListens(url)).toBe(401);
      await api.ask("POST", "/v1/jobs", {
        body: { type: "demo.echo", input: {}, callback_url: url },
      });
      await eventually("the webhook", () =>
        /^msg_\w{26} job\.completed completed$/m.test(receiver.output()) ? true : null,
      );

      const event = JSON.stringify({ type: "twice", data: { status: "once only" } });
      const headers = {
        "content-type": "application/json",
        "webhook-id": "msg_twice",
        "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
        "webhook-signature": new Webhook(secret).sign("msg_twice", new Date(), event),
      };
      const post = async (content: string) =>
        (await fetch(url, { method: "POST", body: content, headers })).status;
      expect(await post(event)).toBe(204);
      expect(await post(event)).toBe(204);
      expect(await post(event.replace("once", "more"))).toBe(401);
      await eventually("the event", () => (receiver.output().includes("once only") ? true : null));
      expect(receiver.output().match(/twice/g)).toHaveLength(2);
      expect(receiver.output()).not.toContain("more only");
    } finally {
      await receiver.stop();
    }
  });

  test("the check by public key takes a real webhook and nothing else", async () => {
    const receiver = await startReceiver();
    let request: ReceivedRequest;
    try {
      await api.ask("POST", "/v1/jobs", {
        body: { type: "demo.echo", input: { snow: "☃" }, callback_url: receiver.url },
      });
      [request] = (await receiver.waitFor(1, 15_000)) as [ReceivedRequest];
    } finally {
      await receiver.close();
    }
    const file = reader.save("genuine.mjs", codeBlocks(RECEIVE, "With the public key", "js")[0]!);
    const { isGenuine } = (await import(pathToFileURL(file).href)) as {
      isGenuine(key: string, headers: Record<string, string>, body: Buffer): boolean;
    };
    const { body } = await api.ask("GET", "/v1/signing-key");
    const key = body["public_key"] as string;
    const { headers, body: bytes } = request;
    expect(isGenuine(key, headers, bytes)).toBe(true);

    const changed = Buffer.from(bytes);
    changed[changed.length - 3]! ^= 1;
    expect(isGenuine(key, headers, changed)).toBe(false);
    expect(isGenuine(key, { ...headers, "webhook-id": "msg_other" }, bytes)).toBe(false);
    const other = await api.addAccount("other");
    const theirs = await api.ask("GET", "/v1/signing-key", { key: other.apiKey });
    expect(isGenuine(theirs.body["public_key"] as string, headers, bytes)).toBe(false);
    const old = String(Number(headers["webhook-timestamp"]) - 301);
    expect(isGenuine(key, { ...headers, "webhook-timestamp": old }, bytes)).toBe(false);
    const hmacOnly = headers["webhook-signature"]!.split(" ")[0]!;
    expect(isGenuine(key, { ...headers, "webhook-signature": hmacOnly }, bytes)).toBe(false);

    const found = codeBlocks(RECEIVE, "With keys that are found", "js")[0]!;
    const module = reader.save("found.mjs", fromSource(found));
    const { pathname } = new URL(String(body["jwks_url"]));
    process.env["JWKS_URL"] = `http://127.0.0.1:${api.port}${pathname}`;
    const { receive } = (await import(pathToFileURL(module).href)) as {
      receive(body: Buffer, headers: Record<string, string>): Promise<{ type: string }>;
    };
    delete process.env["JWKS_URL"];
    expect(await receive(bytes, headers)).toMatchObject({ type: "job.completed" });
    await expect(receive(changed, headers)).rejects.toThrow("no signature fits");
  });
});
