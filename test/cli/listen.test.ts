import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Webhook } from "standardwebhooks";
import { startCommand, startServer } from "./cli.ts";
import type { Ran, Running, TestServer } from "./cli.ts";

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server?.stop();
});

interface Call {
  type: string;
  verified: boolean | null;
  signatures: { v1: boolean | null; v1a: boolean | null };
  status: number;
  repeated: boolean;
  attempt: number | null;
  error: string | null;
}

function calls({ stdout }: Pick<Ran, "stdout">): Call[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Call);
}

async function urlOf(listening: Running): Promise<string> {
  return (await listening.wrote(/Listening on (http:\S+)/))[1]!;
}

/** A webhook signed by us. */
async function send(url: string, body: string, secret = SECRET, id = "msg_1"): Promise<number> {
  const now = new Date();
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign(id, now, body),
  };
  return (await fetch(url, { method: "POST", body, headers })).status;
}

describe("listen", () => {
  test("takes the server's keys, and verifies both signatures of a callback", async () => {
    const listening = server.start("listen --port 0 --count 1 --json");
    const url = await urlOf(listening);
    await server.run(`jobs submit demo.echo a=b --callback ${url}`);
    const ended = await listening.ended;
    expect(ended.code).toBe(0);
    expect(calls(ended)).toMatchObject([
      {
        type: "job.completed",
        verified: true,
        signatures: { v1: true, v1a: true },
        attempt: 1,
        status: 204,
      },
    ]);
  });

  test("knows the secrets of its own origin by both names, and of one that is named", async () => {
    const event = '{"type":"shop.sold"}';
    const listening = server.start("listen --port 0 --json");
    const url = await urlOf(listening);
    const { port } = new URL(url);
    const secretOf = async (origin: string): Promise<string> =>
      (await server.run(`signing secret ${origin}`)).stdout.trim();
    const tunnel = await secretOf("https://tunnel.example/hooks");
    for (const [origin, status] of [
      [`http://127.0.0.1:${port}`, 204],
      [`http://localhost:${port}`, 204],
      ["http://127.0.0.1:1", 401],
      ["https://tunnel.example", 401],
    ] as const) {
      expect([origin, await send(url, event, await secretOf(origin))]).toEqual([origin, status]);
    }
    listening.interrupt();
    await listening.ended;

    const behind = server.start("listen --port 0 --origin https://tunnel.example --json");
    const at = await urlOf(behind);
    expect(await send(at, event, tunnel)).toBe(204);
    expect(await send(at, event, await secretOf(at))).toBe(401);
    behind.interrupt();
    await behind.ended;
  });

  test("tells nothing of a signature that was not asked for", async () => {
    const listening = server.start("listen --port 0 --register --events shop.lent --count 1");
    const url = await urlOf(listening);
    const { data } = (await server.run("endpoints list --json")).json();
    expect(data[0]).toMatchObject({ url, signatures: ["v1", "v1a"] });
    const updated = await server.run(`endpoints update ${data[0]!.id} --signatures v1`);
    expect(updated.stdout).toMatch(/signatures +v1\n/);
    await server.run("messages publish shop.lent what=umbrella");
    const { stdout } = await listening.ended;
    expect(stdout).toMatch(/shop\.lent {2}msg_\w+ {2}attempt 1 {2}v1 ✓ {2}→ 204/);
  });

  test("--register makes an endpoint, answers in turn, and deletes it at Ctrl-C", async () => {
    const listening = server.start(
      "listen --port 0 --register --events shop.sold --sequence 500,500,200 --json",
    );
    const url = await urlOf(listening);
    const { data } = (await server.run("endpoints list --json")).json();
    expect(data).toMatchObject([{ url, events: ["shop.sold"], description: "ringback listen" }]);
    const id = data[0]!.id;
    await server.run(`endpoints update ${id} --retry-base-s 0.1 --retry-factor 1`);
    await server.run("messages publish shop.sold what=umbrella");
    await listening.wrote(/"status":200/);
    listening.interrupt();
    const ended = await listening.ended;
    expect(ended.code).toBe(0);
    expect(calls(ended)).toMatchObject([
      { status: 500, repeated: false, signatures: { v1: true, v1a: true } },
      { status: 500, repeated: true },
      { status: 200, repeated: true, attempt: 3 },
    ]);
    expect((await server.run(`endpoints get ${id}`)).code).toBe(5);
  });

  test("a call that is not genuine is told and answered with 401", async () => {
    const listening = startCommand(["listen", "--port", "0", "--key", SECRET, "--status", "202"]);
    const url = await urlOf(listening);
    const other = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
    const data = JSON.stringify({ text: "\u001b[31mred\u009b" });
    const body = `{"type":"a.b","data":${data.replace("}", ',"id":9007199254740993}')}}`;
    expect(await send(url, body)).toBe(202);
    expect(await send(url, body, other, "msg_2")).toBe(401);
    expect((await fetch(url, { method: "POST", body: "hello" })).status).toBe(401);
    listening.interrupt();
    const { code, stdout } = await listening.ended;
    expect(code).toBe(0);
    const lines = stdout.split("\n");
    expect(lines[0]).toMatch(/^[\d:.]{12} {2}a\.b {2}msg_1 {2}v1 ✓ {2}→ 202$/);
    expect(stdout).toMatch(/msg_2 {2}NOT GENUINE v1 ✗ {2}→ 401\n {2}no signature fits/);
    expect(stdout).toMatch(/ {2}NOT GENUINE {2}→ 401\n {2}the header/);
    expect(stdout).toContain("the header webhook-id is missing");
    // what a stranger sends can't steer the terminal
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain("\u009b");
    expect(stdout).toContain("\\u001b[31mred\\u009b");
    // M7
    expect(stdout).toContain('"id": 9007199254740993\n');
  });

  test("without any key it says that nothing is verified", async () => {
    const env = { RINGBACK_DATA_DIR: "/no/such/folder" };
    const listening = startCommand(["listen", "--port", "0", "--count", "1"], { env });
    const url = await urlOf(listening);
    expect(await send(url, '{"type":"a.b","data":{}}')).toBe(204);
    const { stdout, stderr } = await listening.ended;
    expect(stderr).toContain("Calls are not verified");
    expect(stdout).toContain("not verified");
  });

  test.each<[string, number, string]>([
    ["--key whsec_short", 2, "--key: a webhook key must be"],
    ["--status 99", 2, "no status from 200 to 599"],
    ["--register --api-key rk_wrong_wrong_wrong_wrong", 4, "unknown or revoked: give a valid key"],
    ["--endpoint ep_01kdmq6nt8f6rs6pxaq0pckyva", 5, "no such endpoint"],
  ])("listen %s ends with %i", async (args, code, expected) => {
    const ran = await server.run(`listen --port 0 ${args}`);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(expected);
    expect(ran.stderr).not.toContain("short");
  });

  test("a port in use is told", async () => {
    const port = new URL(server.url).port;
    const ran = await server.run(`listen --port ${port}`);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain("the port is in use: choose a --port");
  });
});
