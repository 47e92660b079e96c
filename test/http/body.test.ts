import http, { type IncomingMessage } from "node:http";
import net from "node:net";
import { text } from "node:stream/consumers";
import { MAX_BODY_BYTES } from "../../src/http/body.ts";
import { checkAnswer, countRows, startApi, type TestApi } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ worker: false });
});
afterAll(async () => {
  await api.stop();
});

interface Sent {
  status: number;
  code: unknown;
  headers: http.IncomingHttpHeaders;
}

/** Sends pieces over a connection of its own; chunked unless a length is given. */
async function send(
  pieces: (string | Buffer)[],
  headers: http.OutgoingHttpHeaders = {},
): Promise<Sent> {
  const request = http.request({
    port: api.port,
    host: "127.0.0.1",
    method: "POST",
    path: "/v1/jobs",
    agent: false,
    headers: {
      authorization: `Bearer ${api.apiKey}`,
      "content-type": "application/json",
      ...headers,
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.on("response", resolve).on("error", reject);
  });
  for (const piece of pieces) request.write(piece);
  request.end();
  const response = await answered;
  const body = await text(response);
  const flat = response.headers as Record<string, string>;
  const answer = { status: response.statusCode ?? 0, headers: flat, text: body, body: {} };
  checkAnswer("POST", "/v1/jobs", answer);
  const { code } = JSON.parse(body) as { code?: unknown };
  return { status: answer.status, code, headers: response.headers };
}

function jobOf(bytes: number): string {
  const frame = '{"type":"demo.echo","input":""}';
  return frame.replace('""', `"${"x".repeat(bytes - frame.length)}"`);
}

test("a body up to the limit is taken, whole or in chunks", async () => {
  const body = jobOf(MAX_BODY_BYTES);
  const whole = await send([body], { "content-length": MAX_BODY_BYTES });
  const chunked = await send([body.slice(0, 1_000), body.slice(1_000)]);
  expect([whole.status, chunked.status]).toEqual([202, 202]);
});

test.each([
  ["announced", { "content-length": MAX_BODY_BYTES + 1 }],
  ["chunked", {}],
])("one byte more is too much (%s)", async (_, headers) => {
  const before = await countRows(api);
  const answer = await send([jobOf(MAX_BODY_BYTES + 1)], headers);
  expect([answer.status, answer.code]).toEqual([413, "body_too_large"]);
  expect(answer.headers.connection).toBe("close");
  expect(await countRows(api)).toEqual(before);
});

test("a sender that doesn't stop gets its answer, and then the end", async () => {
  const socket = net.connect(api.port, "127.0.0.1");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  let received = "";
  socket.setEncoding("utf8").on("data", (part: string) => (received += part));
  socket.on("error", () => undefined);
  socket.write(
    `POST /v1/jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.apiKey}\r\n` +
      "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
  );
  const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
  const started = performance.now();
  const writing = setInterval(() => {
    for (let n = 0; n < 8 && !socket.destroyed; n++) socket.write(chunk);
  }, 1);
  await closed;
  clearInterval(writing);
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(received).toMatch(/^HTTP\/1\.1 413 /);
  expect(received).toContain('"code":"body_too_large"');
});

test("so does one that has no key", async () => {
  const answer = await send(["x".repeat(MAX_BODY_BYTES * 3)], {
    authorization: "Bearer rk_wrong",
  });
  expect([answer.status, answer.headers.connection]).toEqual([401, "close"]);
});

test("bytes that are not UTF-8", async () => {
  const body = Buffer.from('{"type":"demo.echo","input":"?"}');
  body[body.indexOf("?")] = 0xff;
  expect((await send([body])).code).toBe("body_not_json");
});

test("a body that ends early leaves nothing behind", async () => {
  const before = await countRows(api);
  const body = JSON.stringify({ type: "demo.echo", input: 1 });
  const handled = new Promise((resolve) => {
    api.server.once("request", (_, response) => response.once("close", resolve));
  });
  const socket = net.connect(api.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(
    `POST /v1/jobs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.apiKey}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length + 1}\r\n\r\n${body}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
  await handled;
  expect(await countRows(api)).toEqual(before);
});

test("the connection is kept after an error with a small body", async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports: (number | undefined)[] = [];
  for (let n = 0; n < 2; n++) {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = http.request(
        { port: api.port, host: "127.0.0.1", method: "POST", path: "/v1/jobs", agent },
        resolve,
      );
      request.on("error", reject).end('{"small":true}');
    });
    expect(response.statusCode).toBe(401);
    ports.push(response.socket.localPort);
    await text(response);
  }
  agent.destroy();
  expect(ports[0]).toBe(ports[1]);
});
