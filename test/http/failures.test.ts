import pg from "pg";
import { isOutage } from "../../src/core/outage.ts";
import { startApi, type TestApi } from "./api.ts";

test.each([
  ["ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:5432"],
  ["57P01", "terminating connection due to administrator command"],
  ["57P03", "the database system is starting up"],
  ["08006", "connection failure"],
  ["53300", "too many connections"],
  ["53100", "could not extend file: No space left on device"],
  ["25006", "cannot execute INSERT in a read-only transaction"],
  ["", "timeout exceeded when trying to connect"],
  ["", "Connection terminated unexpectedly"],
])("%s %s: the database is away", (code, message) => {
  expect(isOutage(Object.assign(new Error(message), code === "" ? {} : { code }))).toBe(true);
});

test.each(["23505", "42P01", "22P02", "ERR_INVALID_ARG_TYPE", "08", "57P0"])(
  "%s: a mistake of ours",
  (code) => {
    expect(isOutage(Object.assign(new Error("x"), { code }))).toBe(false);
  },
);

test("one refusal of several is enough", () => {
  const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
  expect(isOutage(new AggregateError([new Error("y"), refused]))).toBe(true);
});

describe("a running server", () => {
  let api: TestApi;
  let errors: { error: unknown; fields: Record<string, unknown> }[];
  beforeEach(async () => {
    api = await startApi({ worker: false });
    errors = [];
    api.context.telemetry.unexpectedError = (error, fields) => errors.push({ error, fields });
    api.context.telemetry.log.silent = true;
  });
  afterEach(async () => {
    await api.stop();
  });

  const job = { type: "demo.echo", input: 1 };

  test("is healthy and ready", async () => {
    const health = await api.ask("GET", "/healthz", { key: null });
    expect([health.status, health.body]).toEqual([200, { status: "ok" }]);
    const ready = await api.ask("GET", "/readyz", { key: null });
    expect([ready.status, ready.body]).toEqual([200, { status: "ready", reasons: [] }]);
  });

  test("tells its metrics and its description without a key", async () => {
    await api.ask("GET", "/v1/jobs");
    const metrics = await api.ask("GET", "/metrics", { key: null });
    expect(metrics.text).toMatch(/route="\/v1\/jobs"/);
    const description = await api.ask("GET", "/openapi.json", { key: null });
    expect(description.body["openapi"]).toBe("3.1.0");
    const type = await api.ask("GET", "/problems/not_found", { key: null });
    expect(type.body).toMatchObject({ code: "not_found", status: 404 });
    expect((await api.ask("GET", "/problems/toString", { key: null })).status).toBe(404);
  });

  test("answers 503 while the database is away, and goes on when it is back", async () => {
    await api.ask("GET", "/v1/jobs");
    const name = new URL(api.database.url).pathname.slice(1);
    const admin = new pg.Client({ connectionString: process.env["TEST_POSTGRES_URL"] });
    await admin.connect();
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [
      name,
    ]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const answer = await api.ask("POST", "/v1/jobs", { body: job });
    expect([answer.status, answer.body["code"]]).toEqual([503, "unavailable"]);
    expect(answer.headers["retry-after"]).toBe("2");
    const ready = await api.ask("GET", "/readyz");
    expect(ready.status).toBe(503);
    expect(ready.body).toMatchObject({ status: "not_ready" });
    expect((await api.ask("GET", "/healthz")).status).toBe(200);
    expect((await api.ask("GET", "/metrics")).status).toBe(200);
    await admin.query(`alter database ${name} allow_connections true`);
    await admin.end();
    expect((await api.ask("POST", "/v1/jobs", { body: job })).status).toBe(202);
    expect((await api.ask("GET", "/readyz")).status).toBe(200);
    expect(errors).toEqual([]);
  });

  test("answers what nobody expected with an opaque 500, and logs it", async () => {
    await api.database.pool.query("alter table jobs rename column metadata to metadata_gone");
    const headers = { "x-request-id": "lost:1" };
    const answer = await api.ask("POST", "/v1/jobs", { body: job, headers });
    expect([answer.status, answer.body["code"]]).toEqual([500, "internal"]);
    expect(answer.text).not.toMatch(/metadata|column|at .*\.ts/);
    expect(answer.body["request_id"]).toBe("lost:1");
    expect(errors).toHaveLength(1);
    expect(errors[0]?.fields).toEqual({ request_id: "lost:1" });
    expect(String(errors[0]?.error)).toContain("metadata");
  });

  test("is not ready without its schema", async () => {
    await api.database.pool.query("alter table accounts rename to accounts_gone");
    const ready = await api.ask("GET", "/readyz");
    expect([ready.status, ready.body["reasons"]]).toEqual([503, ["the database is not migrated"]]);
  });

  test("lets go of those who wait when it stops", async () => {
    const { body } = await api.ask("POST", "/v1/jobs", { body: job });
    const path = `/v1/jobs/${String(body["id"])}`;
    const wait = api.ask("GET", path, { headers: { prefer: "wait=30" } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = performance.now();
    api.beginStop();
    expect((await wait).status).toBe(200);
    expect(performance.now() - started).toBeLessThan(1_000);
    const ready = await api.ask("GET", "/readyz");
    expect(ready.body["reasons"]).toEqual(["the process is stopping"]);
  });
});
