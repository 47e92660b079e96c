import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { codeBlocks, readDoc } from "../docs/markdown.ts";
import { createReader, eventually, untilItListens } from "../docs/reader.ts";
import type { Reader } from "../docs/reader.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { fromSource } from "../support/from-source.ts";

const GUIDE = readDoc("docs/guides/client.md");

let api: TestApi;
let reader: Reader;
beforeAll(async () => {
  api = await startApi();
  reader = await createReader(api);
});
afterAll(async () => {
  reader?.close();
  await api?.stop();
});

function save(heading: string, index = 0): string {
  const code = codeBlocks(GUIDE, heading, "ts")[index]!;
  const text = fromSource(code);
  return reader.save(`${heading.replaceAll(/\W/g, "")}${index}.ts`, text);
}

/** Runs a block as it stands, and returns what it printed. */
async function run(heading: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [save(heading)], {
    env: { RINGBACK_API_KEY: api.apiKey, RINGBACK_URL: `http://127.0.0.1:${api.port}` },
  });
  return stdout;
}

describe("the guide to the client", () => {
  test("a job is submitted and its result awaited", async () => {
    const result = JSON.parse(await run("Submit a job, await its result")) as object;
    expect(result).toMatchObject({ rows: 3, groups: [{ key: { city: "Oslo" }, rows: 2 }, {}] });
  });

  test("a job is followed", async () => {
    const lines = (await run("Follow a job")).trim().split("\n");
    expect(lines[0]).toMatch(/^job\.state 0/);
    expect(lines.slice(-2)).toEqual(["job.completed 1", "ended: completed"]);
  });

  test("lists are walked", async () => {
    const lines = (await run("Lists")).trim().split("\n");
    expect(lines[0]).toMatch(/^job_\w{26} demo\.sleep$/);
    expect(lines.slice(-2)).toEqual(["1 true", "0"]);
  });

  test("errors are told apart", async () => {
    const output = await run("When something goes wrong");
    expect(output).toMatch(/^the job: demo_failed 1\nthe call: input_invalid \[/);
    expect(output).toContain("/input/mesage");
  });

  test("jobs are typed", async () => {
    expect(await run("Types of your jobs")).toBe("true\n");
  });

  test("the Express receiver takes a real webhook, once", async () => {
    const url = `http://127.0.0.1:${reader.port}/webhooks`;
    const { body } = await api.ask("GET", `/v1/signing-secret?origin=${url}`);
    const receiver = reader.start(`node ${save("Receive webhooks")}`, {
      SECRET: body["secret"] as string,
    });
    try {
      expect(await untilItListens(url)).toBe(400);
      const job = { type: "demo.echo", input: { snow: "☃" }, callback_url: url };
      await api.ask("POST", "/v1/jobs", { body: job });
      await eventually("the webhook", () =>
        /^msg_\w{26} \{ snow: '☃' \}$/m.test(receiver.output()) ? true : null,
      );
    } finally {
      await receiver.stop();
    }
  });

  test("the handler for fetch takes what is signed, and nothing else", async () => {
    const { handle } = (await import(save("Receive webhooks", 1))) as {
      handle(request: Request): Promise<Response>;
    };
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    process.env["SECRET"] = secret;
    process.env["PUBLIC_KEY"] = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    const body = JSON.stringify({ type: "invoice.paid", timestamp: "", data: { invoice: "I-1" } });
    const now = new Date();
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign("msg_1", now, body),
    };
    const post = (text: string) =>
      handle(new Request("http://x/", { method: "POST", body: text, headers }));
    const print = jest.spyOn(console, "log").mockImplementation(() => undefined);
    expect((await post(body)).status).toBe(204);
    expect(print.mock.calls).toEqual([["I-1"]]);
    print.mockRestore();
    const refused = await post(body.replace("I-1", "I-2"));
    expect([refused.status, await refused.text()]).toEqual([401, "no_matching_signature"]);
  });

  test("its table names what the client has", async () => {
    const { Ringback } = await import("../../src/index.ts");
    const client = new Ringback({ apiKey: "rk_x", baseUrl: "http://x" });
    const table = GUIDE.slice(GUIDE.indexOf("## All there is"), GUIDE.indexOf("## Receive"));
    for (const [name, part] of Object.entries(client)) {
      expect(table).toContain(`\`${name}\``);
      const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(part));
      for (const method of methods) {
        if (method !== "constructor") expect(table).toContain(`\`${method}\``);
      }
    }
  });
});
