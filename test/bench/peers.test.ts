import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { json, text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { PEERS } from "../../bench/peers/index.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { endProcess, startWorkerProcess } from "../support/ringback-process.ts";
import type { RingbackProcess } from "../support/ringback-process.ts";

const MAIN = fileURLToPath(new URL("../../bench/peers/main.ts", import.meta.url));
const KEY = "rk_peers_peers_peers_peers";

async function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  return { code, stdout, stderr };
}

function urlOf({ output }: RingbackProcess): string {
  const line = output.stderr.split("\n").find((one) => one.includes('"message":"ready"'))!;
  return (JSON.parse(line) as { url: string }).url;
}

describe("a Ringback that runs already", () => {
  let database: TestDatabase;
  let folder: string;
  const started: RingbackProcess[] = [];
  beforeAll(async () => {
    database = await createTestDatabase();
    folder = mkdtempSync(path.join(tmpdir(), "ringback-peers-test-"));
    for (const roles of ["api", "deliver"]) {
      started.push(await startWorkerProcess(database, roles, { RINGBACK_API_KEY: KEY }));
    }
  });
  afterAll(async () => {
    for (const one of started) await endProcess(one);
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("is measured with and without a drain, and every message arrives", async () => {
    const [api, deliver] = started;
    const url = urlOf(api!);
    const file = path.join(folder, "figures.json");
    const common = ["--url", url, "--key", KEY, "--endpoints", "3", "--seconds", "1"];
    const sizes = ["--deliveries", "60", "--json", file];
    const commands = [
      ["--stop-sender", `kill -STOP ${deliver!.pid}`],
      ["--start-sender", `kill -CONT ${deliver!.pid}`],
    ];
    const drained = await run("--peer", "ringback", ...common, ...sizes, ...commands.flat());
    expect(drained).toMatchObject({ code: 0, stdout: expect.stringContaining("drain of 60") });
    const report = JSON.parse(readFileSync(file, "utf8")) as { figures: { value: number }[] };
    expect(report).toMatchObject({
      peer: "ringback",
      accepted: "a committed message with its deliveries",
      figures: [
        { name: "publish alone", unit: "/s" },
        { name: "drain of 60", unit: "/s" },
        { name: "publish until it arrived, 500 under way", unit: "/s" },
        ...[50, 200].flatMap((rate) =>
          ["p50", "p95", "p99"].map((name) => ({ name: `${name} at ${rate}/s`, unit: "ms" })),
        ),
      ],
    });
    for (const { value } of report.figures) expect(value).toBeGreaterThan(0);
    const bytes = await database.pool.query<{ bytes: number }>(
      `select distinct octet_length(body) as bytes from messages where type like 'bench.%'`,
    );
    expect(bytes.rows).toEqual([{ bytes: 1_024 }]);

    const beside = await run("--peer", "ringback-v1", ...common, "--deliveries", "60");
    expect(beside).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("publish, while it is sent"),
      stderr: expect.stringContaining("no drain"),
    });
    const signatures = await database.pool.query<{ signatures: string[]; count: number }>(
      `select signatures, count(*)::int from endpoints group by 1 order by 1`,
    );
    expect(signatures.rows).toEqual([
      { signatures: ["v1"], count: 3 },
      { signatures: ["v1", "v1a"], count: 3 },
    ]);
  }, 90_000);

  test("a key it does not take is told as it answered", async () => {
    const url = urlOf(started[0]!);
    expect(await run("--peer", "ringback", "--url", url, "--key", "rk_wrong")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("POST /v1/endpoints answered 401"),
    });
  });
});

test("an unknown peer is told before anything is asked", async () => {
  const asked = await run("--peer", "pigeon", "--url", "http://127.0.0.1:1", "--key", "k");
  expect(asked).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no peer pigeon"),
  });
});

describe("requests to other programs, as their documentation has them", () => {
  let server: Server | undefined;
  afterEach(() => void server?.close());

  /** Sets up two endpoints and makes one publication; returns what was asked, and where it goes. */
  async function requestsOf(name: string, answer: object) {
    const asked: [string, unknown][] = [];
    server = createServer((request, response) => {
      void json(request).then((body) => {
        expect(request.headers).toMatchObject({
          authorization: "Bearer token",
          "content-type": "application/json",
        });
        asked.push([`${request.method} ${request.url}`, body]);
        response.writeHead(201).end(JSON.stringify(answer));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const place = { url, key: "token", project: "project-1", tag: "tag" };
    const made = await PEERS[name]!.setUp(place, ["http://r/0/", "http://r/1/"]);
    const body = JSON.parse(made.request(1, () => `{"a":1}`)) as unknown;
    const { authorization } = made.headers;
    return { asked, publication: { to: made.url.slice(url.length), body, authorization } };
  }

  test("Svix", async () => {
    const { asked, publication } = await requestsOf("svix", { id: "app_1" });
    const endpoint = (n: number): [string, object][] => [
      ["POST /api/v1/event-type/", { name: `bench.lane-${n}`, description: expect.any(String) }],
      [
        "POST /api/v1/app/app_1/endpoint/",
        { url: `http://r/${n}/`, version: 1, filterTypes: [`bench.lane-${n}`] },
      ],
    ];
    expect(asked).toEqual([
      ["POST /api/v1/app/", { name: "bench tag" }],
      ...endpoint(0),
      ...endpoint(1),
    ]);
    expect(publication).toEqual({
      to: "/api/v1/app/app_1/msg/",
      body: { eventType: "bench.lane-1", payload: { a: 1 } },
      authorization: "Bearer token",
    });
  });

  test("Convoy", async () => {
    const { asked, publication } = await requestsOf("convoy", { data: { uid: "end-1" } });
    const endpoint = (n: number): [string, object][] => [
      [
        "POST /api/v1/projects/project-1/endpoints",
        { name: `bench tag ${n}`, url: `http://r/${n}/` },
      ],
      [
        "POST /api/v1/projects/project-1/subscriptions",
        { name: `bench tag ${n}`, endpoint_id: "end-1", filter_config: { event_types: ["*"] } },
      ],
    ];
    expect(asked).toEqual([...endpoint(0), ...endpoint(1)]);
    expect(publication).toEqual({
      to: "/api/v1/projects/project-1/events",
      body: { endpoint_id: "end-1", event_type: "bench.lane", data: { a: 1 } },
      authorization: "Bearer token",
    });
  });

  test("Outpost", async () => {
    const { asked, publication } = await requestsOf("outpost", { id: "des_1" });
    const destination = (n: number): [string, object] => [
      "POST /api/v1/tenants/bench-tag/destinations",
      { type: "webhook", topics: [`bench.lane-${n}`], config: { url: `http://r/${n}/` } },
    ];
    expect(asked).toEqual([["PUT /api/v1/tenants/bench-tag", {}], destination(0), destination(1)]);
    expect(publication).toEqual({
      to: "/api/v1/publish",
      body: { tenant_id: "bench-tag", topic: "bench.lane-1", data: { a: 1 } },
      authorization: "Bearer token",
    });
  });
});
