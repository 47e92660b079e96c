import { countRows, startApi, type TestApi } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ worker: false });
});
afterAll(async () => {
  await api.stop();
});

const body = { type: "demo.echo", input: { a: 1 } };

async function post(key: string, what: unknown = body, path = "/v1/jobs") {
  return await api.ask("POST", path, { body: what, headers: { "idempotency-key": key } });
}

test("the same request again is answered as before", async () => {
  const first = await post('"k1"');
  expect(first.status).toBe(202);
  expect(first.headers).not.toHaveProperty("idempotency-replayed");
  const rows = await countRows(api);
  const again = await api.ask("POST", "/v1/jobs", {
    raw: ' { "type" : "demo.echo", "input": {"a":1} } ',
    headers: { "content-type": "application/json; charset=utf-8", "idempotency-key": "k1" },
  });
  expect(again.status).toBe(202);
  expect(again.text).toBe(first.text);
  expect(again.headers["idempotency-replayed"]).toBe("true");
  expect(again.headers["location"]).toBe(first.headers["location"]);
  expect(again.headers["x-request-id"]).not.toBe(first.headers["x-request-id"]);
  expect(await countRows(api)).toEqual(rows);
});

test("another request with the same key is refused", async () => {
  await post("k2");
  for (const other of [
    { ...body, input: { a: 2 } },
    { ...body, input: "", typo: 1 },
  ]) {
    const answer = await post("k2", other);
    expect([answer.status, answer.body["code"]]).toEqual([422, "idempotency_key_reused"]);
  }
  const message = await post("k2", { type: "own.event", data: {} }, "/v1/messages");
  expect(message.body["code"]).toBe("idempotency_key_reused");
  expect((await post("k2")).status).toBe(202);
});

test("errors are kept too", async () => {
  const wrong = { ...body, type: "no.such" };
  const first = await post("k3", wrong);
  expect([first.status, first.body["code"]]).toEqual([422, "job_type_unknown"]);
  const again = await post("k3", wrong);
  expect(again.text).toBe(first.text);
  expect(again.headers["content-type"]).toBe("application/problem+json");
  expect(again.headers["idempotency-replayed"]).toBe("true");
  const mended = await post("k3");
  expect(mended.body["code"]).toBe("idempotency_key_reused");
});

test("what depends on the caller or the transport is not kept", async () => {
  const options = { body, key: null, headers: { "idempotency-key": "k4" } };
  expect((await api.ask("POST", "/v1/jobs", options)).status).toBe(401);
  const text = { raw: "x", headers: { "content-type": "text/plain", "idempotency-key": "k4" } };
  expect((await api.ask("POST", "/v1/jobs", text)).status).toBe(415);
  expect((await post("k4")).status).toBe(202);
});

test("keys belong to an account", async () => {
  await post("k5");
  const other = await api.addAccount("other");
  const answer = await api.ask("POST", "/v1/jobs", {
    key: other.apiKey,
    body: { ...body, input: "different" },
    headers: { "idempotency-key": "k5" },
  });
  expect(answer.status).toBe(202);
  expect(answer.headers).not.toHaveProperty("idempotency-replayed");
});

test("many at once make one job", async () => {
  const before = await countRows(api);
  const answers = await Promise.all(Array.from({ length: 20 }, () => post("k6")));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(({ headers }) => !headers["idempotency-replayed"])).toHaveLength(1);
  expect((await countRows(api))["jobs"]).toBe((before["jobs"] ?? 0) + 1);
});

test("messages are idempotent as well", async () => {
  const own = { type: "own.event", data: { n: 1 } };
  const first = await post("m1", own, "/v1/messages");
  const again = await post("m1", own, "/v1/messages");
  expect([first.status, again.status]).toEqual([202, 202]);
  expect(again.text).toBe(first.text);
  expect(again.headers["idempotency-replayed"]).toBe("true");
});

test.each([
  '"open',
  '""',
  "a b",
  "a, b",
  '"a", "b"',
  "x".repeat(256),
  `"${"x".repeat(256)}"`,
  "?1;=",
])("the key %s is malformed", async (key) => {
  const answer = await post(key);
  expect([answer.status, answer.body["code"]]).toEqual([400, "idempotency_key_invalid"]);
});

test.each([
  "8e03978e-40d5-43dd-bc93-6894a57f9324",
  '"with \\"quotes\\" and, more"',
  "x".repeat(255),
])("the key %s is fine", async (key) => {
  expect((await post(key)).status).toBe(202);
});
