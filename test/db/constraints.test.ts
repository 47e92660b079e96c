import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

const CHECK_VIOLATION = "23514";
const UNIQUE_VIOLATION = "23505";
const NOT_NULL_VIOLATION = "23502";

let database: TestDatabase;
const accountId = newId();
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query("insert into accounts (id, name) values ($1, 'a')", [accountId]);
});
afterAll(async () => await database?.drop());

type Row = Record<string, unknown>;

async function insert(table: string, row: Row): Promise<void> {
  const columns = Object.keys(row);
  await database.pool.query(
    `insert into ${table} (${columns.join(", ")})
     values (${columns.map((_, index) => `$${index + 1}`).join(", ")})`,
    Object.values(row),
  );
}

const now = new Date();

function job(row: Row): Row {
  return {
    id: newId(),
    account_id: accountId,
    type: "demo.echo",
    input: "1",
    metadata: "{}",
    callbacks: "[]",
    timeout_s: 60,
    max_runs: 3,
    request_id: "req",
    trace_id: "trace",
    ...row,
  };
}

function unfinished(row: Row): Row {
  return { id: newId(), account_id: accountId, status: "pending", next_run_at: now, ...row };
}

const runningJob = { next_run_at: null, run: 1, status: "running", worker_id: newId() };

function jobEnd(row: Row): Row {
  return {
    id: newId(),
    account_id: accountId,
    status: "completed",
    run: 1,
    failures: 0,
    crashes: 0,
    progress_fraction: 1,
    result: "1",
    finished_at: now,
    ...row,
  };
}

const failed = { status: "failed", result: null, error_code: "x" };
const canceled = { ...failed, status: "canceled", run: 0 };

function delivery(row: Row): Row {
  return {
    id: newId(),
    account_id: accountId,
    message_id: newId(),
    event_type: "job.completed",
    lane_id: newId(),
    url: "https://example.com",
    body_bytes: 2,
    status: "pending",
    next_attempt_at: now,
    ...row,
  };
}

const ended = { next_attempt_at: null, finished_at: now };
const delivered = { ...ended, status: "delivered", attempt_count: 1 };

function attempt(row: Row): Row {
  return {
    delivery_id: newId(),
    number: 1,
    id: newId(),
    url: "https://example.com",
    started_at: now,
    duration_ms: 1,
    status_code: 200,
    request_headers: "{}",
    response_truncated: false,
    manual: false,
    ...row,
  };
}

function endpoint(row: Row): Row {
  return {
    id: newId(),
    account_id: accountId,
    lane_id: newId(),
    url: "https://example.com",
    description: "",
    events: [],
    sealed_headers: null,
    ordered: false,
    max_in_flight: 1,
    timeout_s: 1,
    retry: "{}",
    ...row,
  };
}

function lane(row: Row): Row {
  return { id: newId(), account_id: accountId, origin: newId(), ordered: false, ...row };
}

function replay(row: Row): Row {
  return {
    id: newId(),
    account_id: accountId,
    filter: "{}",
    dry_run: false,
    status: "running",
    matched: 1,
    ...row,
  };
}

describe("possible rows are taken", () => {
  test.each([
    ["jobs", job({})],
    ["unfinished_jobs", unfinished({})],
    ["unfinished_jobs", unfinished(runningJob)],
    ["job_ends", jobEnd({})],
    ["job_ends", jobEnd(failed)],
    ["job_ends", jobEnd(canceled)],
    ["deliveries", delivery({})],
    ["deliveries", delivery({ manual: true, scheduled_at: now, free_attempts: 1 })],
    ["deliveries", delivery(delivered)],
    ["deliveries", delivery({ ...ended, status: "dead" })],
    ["deliveries", delivery({ ...ended, status: "canceled" })],
    ["attempts", attempt({})],
    ["attempts", attempt({ status_code: null, error_code: "timeout" })],
    ["lanes", lane({})],
    ["replays", replay({})],
    ["replays", replay({ status: "completed", finished_at: now })],
  ])("%s %#", async (table, row) => {
    await insert(table, row);
  });
});

describe("impossible rows are refused", () => {
  test.each<[string, string, Row]>([
    ["a status nobody knows", "unfinished_jobs", unfinished({ status: "paused" })],
    ["pending, but never due", "unfinished_jobs", unfinished({ next_run_at: null })],
    ["running and due", "unfinished_jobs", unfinished({ ...runningJob, next_run_at: now })],
    [
      "running in nobody's hands",
      "unfinished_jobs",
      unfinished({ ...runningJob, worker_id: null }),
    ],
    ["running without a run", "unfinished_jobs", unfinished({ ...runningJob, run: 0 })],
    ["pending in a worker's hands", "unfinished_jobs", unfinished({ worker_id: newId() })],
    ["completed, but not ended", "unfinished_jobs", unfinished({ status: "completed" })],
    ["more than done", "unfinished_jobs", unfinished({ progress_fraction: 1.01 })],
    ["ended, but pending", "job_ends", jobEnd({ status: "pending" })],
    ["completed without a result", "job_ends", jobEnd({ result: null })],
    ["completed with an error", "job_ends", jobEnd({ error_code: "x" })],
    ["completed without a run", "job_ends", jobEnd({ run: 0 })],
    ["failed without an error", "job_ends", jobEnd({ ...failed, error_code: null })],
    ["failed with a result", "job_ends", jobEnd({ ...failed, result: "1" })],
    ["failed without a run", "job_ends", jobEnd({ ...failed, run: 0 })],
    ["canceled with a result", "job_ends", jobEnd({ ...canceled, result: "1" })],
    ["less than nothing done", "job_ends", jobEnd({ progress_fraction: -0.01 })],
    ["no time to run", "jobs", job({ timeout_s: 0 })],
    ["no runs", "jobs", job({ max_runs: 0 })],

    ["a status nobody knows", "deliveries", delivery({ status: "sent" })],
    ["pending, but never due", "deliveries", delivery({ next_attempt_at: null })],
    ["pending, but finished", "deliveries", delivery({ finished_at: now })],
    ["delivered and due", "deliveries", delivery({ ...delivered, next_attempt_at: now })],
    ["delivered without an end", "deliveries", delivery({ ...delivered, finished_at: null })],
    ["delivered without an attempt", "deliveries", delivery({ ...delivered, attempt_count: 0 })],
    ["dead without an end", "deliveries", delivery({ status: "dead", next_attempt_at: null })],
    ["a schedule beside none", "deliveries", delivery({ scheduled_at: now })],
    [
      "a schedule after the end",
      "deliveries",
      delivery({ ...delivered, manual: true, scheduled_at: now }),
    ],
    ["more free attempts than attempts", "deliveries", delivery({ free_attempts: 2 })],

    ["attempt number 0", "attempts", attempt({ number: 0 })],
    ["neither answer nor error", "attempts", attempt({ status_code: null })],
    ["a reason nobody knows", "dead_letters", deadLetter("bored")],

    ["disabled without a reason", "endpoints", endpoint({ state: "disabled" })],
    ["active with a reason", "endpoints", endpoint({ disabled_reason: "admin" })],
    [
      "disabled for a reason nobody knows",
      "endpoints",
      endpoint({ state: "disabled", disabled_reason: "x" }),
    ],
    ["nothing in flight", "endpoints", endpoint({ max_in_flight: 0 })],
    ["no signature", "endpoints", endpoint({ signatures: [] })],
    ["a signature nobody knows", "endpoints", endpoint({ signatures: ["v1", "v2"] })],
    ["the same signature twice", "endpoints", endpoint({ signatures: ["v1", "v1"] })],
    ["no rate", "endpoints", endpoint({ rate_limit_per_s: 0 })],
    ["a lane to nowhere", "lanes", lane({ origin: null })],
    ["a replay that ended and runs", "replays", replay({ finished_at: now })],
    ["a replay that never ended", "replays", replay({ status: "canceled" })],
    ["a key without scopes", "api_keys", apiKey([])],
    ["a key with a scope nobody knows", "api_keys", apiKey(["jobs", "root"])],
  ])("%s (%s)", async (_what, table, row) => {
    await expect(insert(table, row)).rejects.toMatchObject({ code: CHECK_VIOLATION });
  });

  test("two ends of one job, and an end without its time", async () => {
    const one = jobEnd({});
    await insert("job_ends", one);
    await expect(insert("job_ends", one)).rejects.toMatchObject({ code: UNIQUE_VIOLATION });
    await expect(insert("job_ends", jobEnd({ finished_at: null }))).rejects.toMatchObject({
      code: NOT_NULL_VIOLATION,
    });
  });

  test("two attempts with one number", async () => {
    const delivery_id = newId();
    await insert("attempts", attempt({ delivery_id }));
    await expect(insert("attempts", attempt({ delivery_id }))).rejects.toMatchObject({
      code: UNIQUE_VIOLATION,
    });
  });

  test("two lanes to one origin, unless one is ordered", async () => {
    const origin = "https://example.com";
    await insert("lanes", lane({ origin }));
    await insert("lanes", lane({ origin, ordered: true }));
    await expect(insert("lanes", lane({ origin }))).rejects.toMatchObject({
      code: UNIQUE_VIOLATION,
    });
  });

  test("an API key twice; a dead letter twice; a delivery without a lane", async () => {
    const key = apiKey(["jobs"]);
    await insert("api_keys", key);
    await expect(insert("api_keys", { ...key, id: newId() })).rejects.toMatchObject({
      code: UNIQUE_VIOLATION,
    });
    const letter = deadLetter("gone");
    await insert("dead_letters", letter);
    await expect(insert("dead_letters", letter)).rejects.toMatchObject({ code: UNIQUE_VIOLATION });
    await expect(insert("deliveries", delivery({ lane_id: null }))).rejects.toMatchObject({
      code: NOT_NULL_VIOLATION,
    });
  });
});

describe("the books", () => {
  test("tell a message whose deliveries are not all there, and a dead one without its letter", async () => {
    const message = (id: string, count: number): Row => ({
      id,
      account_id: accountId,
      type: "job.completed",
      body: "{}",
      delivery_count: count,
      request_id: "req",
      trace_id: "trace",
    });
    const [whole, missing, unburied] = [newId(), newId(), newId()];
    await insert("messages", message(whole, 2));
    await insert("messages", message(missing, 2));
    await insert("messages", message(unburied, 1));
    const dead = { ...ended, status: "dead" };
    const deadId = newId();
    await insert("deliveries", delivery({ message_id: whole }));
    await insert("deliveries", delivery({ message_id: whole, id: deadId, ...dead }));
    await insert("dead_letters", deadLetter("exhausted", deadId));
    await insert("deliveries", delivery({ message_id: missing }));
    await insert("deliveries", delivery({ message_id: unburied, ...dead }));
    const { rows } = await database.pool.query(
      "select message_id, balanced from books where message_id = any($1) order by message_id",
      [[whole, missing, unburied]],
    );
    expect(rows).toEqual([
      { message_id: whole, balanced: true },
      { message_id: missing, balanced: false },
      { message_id: unburied, balanced: false },
    ]);
  });
});

function deadLetter(reason: string, deliveryId = newId()): Row {
  return { delivery_id: deliveryId, account_id: accountId, reason, detail: "" };
}

function apiKey(scopes: string[]): Row {
  return {
    id: newId(),
    account_id: accountId,
    name: "k",
    hash: Buffer.from(newId()),
    scopes,
  };
}
