import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readConfig } from "../../src/config.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { codeBlocks, readDoc, tableRows } from "./markdown.ts";
import { createReader, eventually, untilItListens } from "./reader.ts";
import type { Reader, Running } from "./reader.ts";

const README = readDoc("README.md");
const block = (heading: string, index = 0): string => codeBlocks(README, heading, "sh")[index]!;

describe("what the README says can be pasted", () => {
  let api: TestApi;
  let reader: Reader;
  let receiver: Running | null = null;
  let hook: string;

  beforeAll(async () => {
    api = await startApi();
    reader = await createReader(api);
    hook = `http://127.0.0.1:${reader.port}/`;
    reader.save("receiver.mjs", codeBlocks(README, "Receive a webhook", "js")[0]!);
  });
  afterAll(async () => {
    await receiver?.stop();
    reader?.close();
    await api?.stop();
  });

  async function startReceiver(): Promise<Running> {
    const running = reader.start(block("Receive a webhook"));
    expect(await untilItListens(hook)).toBe(401);
    return running;
  }

  test("begins with the two commands that start and test it", () => {
    expect(codeBlocks(README, "Quick start", "sh")).toEqual([
      "npm ci && npm start\n",
      "npm ci && npm test\n",
    ]);
  });

  test("the receiver gets the webhook of the submitted job, and verifies it", async () => {
    receiver = await startReceiver();
    const [submitted] = await reader.paste(block("Submit a job"));
    expect(submitted).toMatchObject({ method: "POST", status: 202, body: { type: "csv.summary" } });
    const output = await eventually("the webhook", () =>
      receiver!.output().includes("job.completed") ? receiver!.output() : null,
    );
    expect(output).toMatch(/^msg_\w{26} job\.completed \{/m);
    expect(output).toContain('"key":{"city":"Oslo"},"rows":2,"columns":{"rain":{"count":2,"sum":8');

    // its idempotency key makes it the same job when it is pasted twice
    const [again] = await reader.paste(block("Submit a job"));
    expect(again!.body).toEqual(submitted!.body);
  });

  test("asking works: the newest job, and one that is waited for", async () => {
    const [list, waited] = await reader.paste(block("Submit a job", 1));
    expect(list).toMatchObject({ method: "GET", status: 200, body: { data: [{ run: 1 }] } });
    expect(waited).toMatchObject({ status: 200, body: { status: "completed" } });
  });

  test("a job whose receiver is down becomes a dead letter, and is replayed", async () => {
    await receiver?.stop();
    const [submitted] = await reader.paste(block("Replay"));
    expect(submitted!.status).toBe(202);
    await eventually("the dead letter", async () => {
      const { body } = await api.ask("GET", "/v1/dead-letters");
      return (body["data"] as unknown[]).length > 0 ? true : null;
    });

    receiver = await startReceiver();
    const [letters, replay] = await reader.paste(block("Replay", 1));
    expect(letters).toMatchObject({
      status: 200,
      body: { data: [{ dead_reason: "exhausted", attempt_count: 2 }] },
    });
    expect(replay).toMatchObject({ method: "POST", status: 202, body: { matched: 1 } });
    await eventually("the replayed webhook", () =>
      receiver!.output().includes('job.completed {"hello":"again"}') ? true : null,
    );
  });
});

describe("the settings table of the README", () => {
  const rows = tableRows(README, "Settings").map(([name, value]) => ({
    name: name!.replaceAll("`", ""),
    value: value!,
  }));

  test("names every setting there is, and no other", () => {
    const known = /known: (.+)\)/.exec(refusal({ RINGBACK_NO_SUCH: "1" }))![1]!.split(", ");
    const named = rows.map(({ name }) => name).filter((name) => name.startsWith("RINGBACK_"));
    expect(named.toSorted()).toEqual(known.toSorted());
    const others = rows.map(({ name }) => name).filter((name) => !name.startsWith("RINGBACK_"));
    expect(others).toEqual(["PORT", "HOST", "DATABASE_URL", "LOG_LEVEL"]);
    for (const name of ["PORT", "DATABASE_URL", "LOG_LEVEL"]) {
      expect(refusal({ [name]: "no such value" })).toContain(name);
    }
  });

  test("gives the defaults that the program has", () => {
    const { config } = readConfig(undefined, {});
    const shown = Object.fromEntries(rows.map(({ name, value }) => [name, value]));
    expect(shown["PORT"]).toBe(`\`${config.port}\``);
    expect(shown["HOST"]).toBe(`\`${config.host}\``);
    expect(shown["LOG_LEVEL"]).toBe(`\`${config.logLevel}\``);
    expect(config.dataDir.endsWith(`/${shown["RINGBACK_DATA_DIR"]!.replaceAll("`", "")}`)).toBe(
      true,
    );
    const days = Object.values(config.retention).map((count) => `\`${count}\``);
    const kept = Object.entries(shown).filter(([name]) => name.startsWith("RINGBACK_RETENTION_"));
    expect(kept.map(([, value]) => value)).toEqual(days);
    expect(config).toMatchObject({ publicUrl: null, jobTypeModules: [], development: true });
    const url = "postgres://user:password@localhost/ringback";
    expect(refusal({ DATABASE_URL: url })).toMatch(/RINGBACK_MASTER_KEY is required/);
  });
});

function refusal(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(undefined, environment);
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
