import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import express from "express";
import type { Express, RequestHandler } from "express";
import { Webhook as Official } from "standardwebhooks";
import { receiveWebhooks, recentWebhooks } from "../../src/client/express.ts";
import type { ReceiveOptions } from "../../src/client/express.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EVENT = JSON.stringify({ type: "job.completed", timestamp: "", data: { job_id: "job_1" } });

let server: Server | null = null;
afterEach(async () => {
  server?.close();
  server?.closeAllConnections();
  if (server !== null) await once(server, "close");
  server = null;
});

async function start(app: Express): Promise<string> {
  server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`;
}

function receiver(options: ReceiveOptions, before: RequestHandler[] = []) {
  const handled: string[] = [];
  let status = 204;
  const app = express();
  app.post("/hooks", ...before, receiveWebhooks(SECRET, options), (request, response) => {
    const { webhook } = request;
    if (webhook?.type === "job.completed") handled.push(`${webhook.id} ${webhook.data.job_id}`);
    response.sendStatus(status);
  });
  const failing: express.ErrorRequestHandler = (error: Error, _request, response, _next) => {
    response.status(500).json({ message: error.message });
  };
  app.use(failing);
  return { app, handled, answerWith: (next: number) => (status = next) };
}

async function post(url: string, body: string, change: Record<string, string> = {}) {
  const headers = {
    "content-type": "application/json",
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
    "webhook-signature": new Official(SECRET).sign("msg_1", new Date(), body),
    ...change,
  };
  const response = await fetch(url, { method: "POST", body, headers });
  const text = await response.text();
  const type = response.headers.get("content-type");
  return { status: response.status, type, body: text.startsWith("{") ? JSON.parse(text) : text };
}

describe("the Express middleware", () => {
  test.each([
    ["it reads the body itself", []],
    ["express.raw has read it", [express.raw({ type: "*/*" })]],
  ])("%s", async (_, before) => {
    const { app, handled } = receiver({}, before);
    const url = await start(app);
    expect(await post(url, EVENT)).toMatchObject({ status: 204 });
    expect(handled).toEqual(["msg_1 job_1"]);
  });

  test.each([
    [401, "no_matching_signature", EVENT, { "webhook-id": "msg_2" }],
    [401, "timestamp_too_old", EVENT, { "webhook-timestamp": "1614265330" }],
    [400, "malformed_header", EVENT, { "webhook-timestamp": "now" }],
    [400, "malformed_body", "{", {}],
  ])("answers %i with the problem %s", async (status, code, body, change) => {
    const { app, handled } = receiver({});
    const answer = await post(await start(app), body, change);
    expect(answer).toMatchObject({
      status,
      type: "application/problem+json",
      body: { status, code, detail: expect.any(String) },
    });
    expect(handled).toEqual([]);
  });

  test("a body over the limit is refused while it comes", async () => {
    const { app } = receiver({ limit: 1_000 });
    const url = new URL(await start(app));
    const socket = connect(Number(url.port), url.hostname);
    socket.on("error", () => undefined);
    socket.write("POST /hooks HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n");
    socket.write("x".repeat(2_000));
    let answer = "";
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain('"code":"body_too_large"');
  });

  test("a parser in front of it is named as the mistake", async () => {
    const { app } = receiver({}, [express.json()]);
    const { status, body } = await post(await start(app), EVENT);
    expect(status).toBe(500);
    expect(body).toMatchObject({
      message: expect.stringContaining("put it before express.json()"),
    });
  });

  test("a duplicate is answered with 200 and not handled; one that failed is no duplicate", async () => {
    const { app, handled, answerWith } = receiver(recentWebhooks());
    const url = await start(app);
    answerWith(500);
    expect((await post(url, EVENT)).status).toBe(500);
    answerWith(204);
    expect((await post(url, EVENT)).status).toBe(204);
    expect((await post(url, EVENT)).status).toBe(200);
    expect(handled).toHaveLength(2);
  });

  test("a store that fails lets the sender try again", async () => {
    const seen = () => Promise.reject(new Error("the table is away"));
    const { app, handled } = receiver({ seen });
    const { status } = await post(await start(app), EVENT);
    expect(status).toBe(500);
    expect(handled).toEqual([]);
  });

  test("a key that is none is told at the start", () => {
    expect(() => receiveWebhooks("whsec_short")).toThrow(TypeError);
  });
});

test("recentWebhooks forgets the oldest", () => {
  const { seen, remember } = recentWebhooks(2);
  for (const id of ["a", "b", "c"]) remember(id);
  expect(["a", "b", "c"].map((id) => seen(id))).toEqual([false, true, true]);
});
