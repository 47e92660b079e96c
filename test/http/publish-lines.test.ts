import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Ringback } from "../../src/client/ringback.ts";
import { MAX_BODY_BYTES } from "../../src/http/body.ts";
import { MAX_LINES, MAX_LINES_BYTES } from "../../src/http/lines.ts";
import { eventually, startDeliveryApi } from "../support/delivery.ts";
import type { DeliveryApi } from "../support/delivery.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

interface Line {
  line: number;
  status: number;
  id?: string;
  deliveries?: number;
  replayed?: true;
  problem?: { code: string; detail: string };
}

let api: DeliveryApi;
let receiver: Receiver;
beforeAll(async () => {
  api = await startDeliveryApi();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await api.stop();
});

const NDJSON = "application/x-ndjson";

/** Posts the chunks one by one, as they are. */
async function post(
  chunks: readonly (string | Buffer)[],
  headers: Record<string, string> = {},
): Promise<{ status: number; type: string; text: string }> {
  const request = httpRequest({
    port: api.port,
    host: "127.0.0.1",
    method: "POST",
    path: "/v1/messages/batch",
    headers: { authorization: `Bearer ${api.apiKey}`, "content-type": NDJSON, ...headers },
  });
  const answered = new Promise<{ status: number; type: string; text: string }>(
    (resolve, reject) => {
      request.once("response", (response) => {
        text(response).then(
          (body) =>
            resolve({
              status: response.statusCode!,
              type: response.headers["content-type"] ?? "",
              text: body,
            }),
          reject,
        );
      });
      request.once("error", reject);
    },
  );
  for (const chunk of chunks) {
    if (request.destroyed) break;
    if (!request.write(chunk)) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  request.end();
  return await answered;
}

function linesOf(body: string): Line[] {
  return body
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

async function countMessages(type: string): Promise<number> {
  const { rows } = await api.database.pool.query<{ count: number }>(
    "select count(*)::int as count from messages where type = $1",
    [type],
  );
  return rows[0]!.count;
}

const event = (type: string, n: number, more: object = {}): string =>
  JSON.stringify({ type, data: { n }, ...more });

describe("POST /v1/messages/batch", () => {
  test("answers each line in its place, and refuses none for another's fault", async () => {
    await api.endpoint(`${receiver.url}/mixed`, { events: ["own.mixed"] });
    const body = [
      event("own.mixed", 1),
      "",
      "{not json",
      event("job.completed", 2),
      `{"type":"own.mixed","data":{"big":12345678901234567890.10}}`,
      JSON.stringify({ type: "own.mixed" }),
      event("own.unwanted", 3),
    ].join("\r\n");
    const { status, type, text: answer } = await post([body]);
    expect([status, type]).toEqual([200, NDJSON]);
    const lines = linesOf(answer);
    expect(lines.map(({ line, status: one, problem }) => [line, one, problem?.code])).toEqual([
      [1, 202, undefined],
      [2, 400, "body_not_json"],
      [3, 422, "event_reserved"],
      [4, 202, undefined],
      [5, 422, "validation_failed"],
      [6, 202, undefined],
    ]);
    expect(lines.map((line) => line.deliveries)).toEqual([
      1,
      undefined,
      undefined,
      1,
      undefined,
      0,
    ]);
    const arrived = await eventually(async () => {
      const own = receiver.requests.filter(({ path }) => path === "/mixed");
      return await Promise.resolve(own.length === 2 ? own : undefined);
    }, "both webhooks");
    expect(new Set(arrived.map(({ headers }) => headers["webhook-id"]))).toEqual(
      new Set([lines[0]!.id, lines[3]!.id]),
    );
    expect(
      arrived.some(({ body: sent }) => sent.toString().includes("12345678901234567890.10")),
    ).toBe(true);
  });

  test("reads lines wherever their chunks break", async () => {
    const lines = Array.from({ length: 40 }, (_, n) =>
      event("own.chunks", n, { data: { n, name: "Jürgen 🦊" } }),
    );
    const bytes = Buffer.from(lines.join("\n"));
    const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, n) =>
      bytes.subarray(n * 7, n * 7 + 7),
    );
    const { text: answer } = await post(chunks);
    expect(linesOf(answer).map(({ status }) => status)).toEqual(lines.map(() => 202));
    const { rows } = await api.database.pool.query<{ name: string }>(
      "select distinct body::jsonb->'data'->>'name' as name from messages where type = 'own.chunks'",
    );
    expect(rows).toEqual([{ name: "Jürgen 🦊" }]);
  });

  test("publishes a line with the same key once, also within one request", async () => {
    const body = [1, 2, 1, 3].map((n) => event("own.keys", n, { idempotency_key: `k ${n}` }));
    const first = linesOf((await post([body.join("\n")])).text);
    const again = linesOf((await post([body.join("\n")])).text);
    expect(first.map(({ status, replayed }) => [status, replayed])).toEqual([
      [202, undefined],
      [202, undefined],
      [202, true],
      [202, undefined],
    ]);
    expect(first[2]!.id).toBe(first[0]!.id);
    expect(again).toEqual(first.map((line) => ({ ...line, replayed: true })));
    expect(await countMessages("own.keys")).toBe(3);
    const other = linesOf((await post([event("own.keys", 9, { idempotency_key: "k 1" })])).text);
    expect(other[0]).toMatchObject({ status: 422, problem: { code: "idempotency_key_reused" } });
  });

  test("the same batch from several clients at once makes each message once", async () => {
    const body = Array.from({ length: 300 }, (_, n) =>
      event("own.race", n, { idempotency_key: `race-${n}` }),
    ).join("\n");
    const answers = await Promise.all([1, 2, 3, 4].map(() => post([body])));
    const ids = answers.map(({ text: answer }) => linesOf(answer).map(({ id }) => id));
    expect(new Set(ids.map(String)).size).toBe(1);
    expect(await countMessages("own.race")).toBe(300);
  });

  test("is refused as a whole when it is announced too large, or no JSON Lines", async () => {
    const large = await post([], { "content-length": String(MAX_LINES_BYTES + 1) }).catch(
      (error: Error) => ({ status: 0, type: error.message, text: "" }),
    );
    expect(large.status).toBe(413);
    const json = await post([event("own.type", 1)], { "content-type": "application/json" });
    expect([json.status, (JSON.parse(json.text) as { code: string }).code]).toEqual([
      415,
      "content_type_unsupported",
    ]);
    const empty = await post(["\n \n"]);
    expect(empty.status).toBe(400);
    expect(await countMessages("own.type")).toBe(0);
  });

  test("answers the lines before one too many", async () => {
    const one = `${event("own.many", 1)}\n`;
    const { status, text: answer } = await post([one.repeat(MAX_LINES + 1)]);
    const lines = linesOf(answer);
    expect(status).toBe(200);
    expect(lines).toHaveLength(MAX_LINES + 1);
    expect(lines.at(-1)).toMatchObject({ status: 413, problem: { code: "body_too_large" } });
    expect(await countMessages("own.many")).toBe(MAX_LINES);
  }, 60_000);

  test("answers the lines before a line that is too long", async () => {
    const long = event("own.long", 2, { data: { x: "x".repeat(MAX_BODY_BYTES) } });
    const { status, text: answer } = await post([
      [event("own.long", 1), long, event("own.long", 3)].join("\n"),
    ]);
    expect(status).toBe(200);
    expect(linesOf(answer).map((line) => [line.status, line.problem?.code])).toEqual([
      [202, undefined],
      [413, "body_too_large"],
    ]);
    expect(await countMessages("own.long")).toBe(1);
  });

  test("answers the lines before one byte too many, of a body whose length was not said", async () => {
    const line = `${event("own.bytes", 1, { data: { x: "x".repeat(200_000) } })}\n`;
    const whole = Math.floor(MAX_LINES_BYTES / line.length);
    const { status, text: answer } = await post(Array.from({ length: whole + 2 }, () => line));
    const lines = linesOf(answer);
    expect(status).toBe(200);
    expect(lines.at(-1)).toMatchObject({ status: 413, problem: { code: "body_too_large" } });
    expect(lines.slice(0, -1).filter((one) => one.status !== 202)).toEqual([]);
    expect(await countMessages("own.bytes")).toBe(lines.length - 1);
    expect(lines.length - 1).toBeLessThanOrEqual(whole);
  }, 60_000);

  test("a client that goes away in the middle leaves whole messages", async () => {
    const socket = connect(api.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `POST /v1/messages/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.apiKey}\r\n` +
        `content-type: ${NDJSON}\r\ncontent-length: 100000\r\n\r\n` +
        `${event("own.gone", 1)}\n${event("own.gone", 2)}\n{"type":"own.gone","da`,
    );
    await eventually(
      async () => ((await countMessages("own.gone")) === 2 ? true : undefined),
      "the whole lines",
    );
    socket.destroy();
    expect(await countMessages("own.gone")).toBe(2);
  });
});

test("the client publishes many, each once although an answer is lost", async () => {
  let lost = 0;
  const client = new Ringback({
    apiKey: api.apiKey,
    baseUrl: `http://127.0.0.1:${api.port}`,
    async fetch(...args) {
      const response = await fetch(...args);
      if (lost > 0) return response;
      lost += 1;
      await response.text();
      throw new TypeError("fetch failed");
    },
  });
  const events = Array.from({ length: 2_500 }, (_, n) => ({ type: "own.client", data: { n } }));
  const answers = await client.messages.publishMany([
    ...events,
    { type: "endpoint.own", data: {} },
  ]);
  expect(answers).toHaveLength(2_501);
  expect(answers.map(({ line }) => line)).toEqual(answers.map((_, index) => index + 1));
  expect(answers.slice(0, -1).every(({ status }) => status === 202)).toBe(true);
  expect(answers.at(-1)).toMatchObject({ status: 422, problem: { code: "event_reserved" } });
  expect(lost).toBe(1);
  expect(await countMessages("own.client")).toBe(2_500);
}, 60_000);
