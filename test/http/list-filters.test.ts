import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { DELIVERY_STATUSES, JOB_STATUSES } from "../../src/core/model.ts";
import { letInsertJobs } from "../support/job-states.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
let other: string;
let endpoints: string[];

interface Row {
  id: string;
  status: string;
  type?: string;
  event_type?: string;
  endpoint_id?: string;
}

const TYPES = ["job.completed", "job.failed", "order.created", "order.paid", "ping"];
const JOB_TYPES = ["demo.echo", "csv.summary", "demo.burn"];

beforeAll(async () => {
  api = await startApi({ worker: false });
  await letInsertJobs(api.database.pool);
  const second = await api.addAccount("other");
  other = second.apiKey;
  endpoints = [];
  for (let n = 0; n < 3; n++) {
    const body = { url: `https://example.com/${n}`, events: ["none"] };
    endpoints.push(String((await api.ask("POST", "/v1/endpoints", { body })).body["id"]));
  }
  await api.database.pool.query(
    `with account as (select id, n from unnest($1::uuid[]) with ordinality as a(id, n)),
     own as (select id, lane_id, row_number() over (order by id) - 1 as n from endpoints
       where account_id = $2)
     insert into deliveries (id, account_id, message_id, event_type, endpoint_id, lane_id, url,
       body_bytes, status, attempt_count, next_attempt_at, finished_at)
     select gen_random_uuid(), account.id, gen_random_uuid(), ($3::text[])[1 + g % 5],
       case when g % 4 < 3 then own.id end, own.lane_id, 'https://example.com/', 2, s.status, 1,
       case s.status when 'pending' then now() end, case when s.status <> 'pending' then now() end
     from account cross join generate_series(1, 240) g
     join own on own.n = g % 3
     cross join lateral (select ($4::text[])[1 + (g / 5) % 4] as status) s`,
    [[api.accountId, second.accountId], api.accountId, TYPES, DELIVERY_STATUSES],
  );
  await api.database.pool.query(
    `insert into job_states (id, account_id, type, status, input, metadata, callbacks, timeout_s,
       max_runs, run, next_run_at, worker_id, result, error_code, request_id, trace_id, created_at,
       finished_at)
     select gen_random_uuid(), $1, ($2::text[])[1 + g % 3], s.status, '{}', '{}', '[]', 600, 5, 1,
       case s.status when 'pending' then now() end,
       case s.status when 'running' then gen_random_uuid() end,
       case s.status when 'completed' then '{}' end,
       case when s.status in ('failed', 'canceled') then 'computation_failed' end, '', '', now(),
       case when s.status in ('completed', 'failed', 'canceled') then now() end
     from generate_series(1, 90) g
     cross join lateral (select ($3::text[])[1 + (g / 3) % 5] as status) s`,
    [api.accountId, JOB_TYPES, JOB_STATUSES],
  );
});
afterAll(async () => await api.stop());

async function list(path: string, key?: string): Promise<Row[]> {
  const { status, body } = await api.ask("GET", path, key === undefined ? {} : { key });
  expect([path, status]).toEqual([path, 200]);
  return body["data"] as Row[];
}

/** All pages of seven. */
async function walk(path: string): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: string = cursor === "" ? path : `${path}&cursor=${cursor}`;
    const { body } = await api.ask("GET", `${page}&limit=7`);
    found.push(...(body["data"] as Row[]).map(({ id }) => id));
    cursor = body["next_cursor"] as string | null;
  }
  return found;
}

async function all(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = `${path}?limit=200${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { body } = await api.ask("GET", page);
    rows.push(...(body["data"] as Row[]));
    cursor = body["next_cursor"] as string | null;
  }
  return rows;
}

/** Whether a row fits a query, told anew. */
function fits(row: Row, query: string): boolean {
  return [...new URLSearchParams(query)].every(([name, text]) => {
    const not = name.startsWith("not_");
    const value = row[name.replace("not_", "") as keyof Row] ?? "";
    return text.split(",").includes(value) !== not;
  });
}

const DELIVERIES = [
  "status=dead",
  "status=dead,pending",
  "status=delivered,dead",
  "not_status=delivered",
  "not_status=delivered,pending,canceled",
  "status=dead,pending&not_status=pending",
  "event_type=ping,order.paid",
  "event_type=job.completed,ping",
  "event_type=ping,none.such",
  "not_event_type=job.completed",
  "not_event_type=ping",
  "not_event_type=job.completed,job.failed,order.created,order.paid",
  "event_type=ping,order.paid&not_event_type=ping",
  "status=dead,canceled&event_type=ping,job.completed",
  "status=delivered&not_event_type=job.completed,ping",
  "not_status=dead&not_event_type=ping",
  "endpoint_id=E0,E1",
  "endpoint_id=E0,E2&status=dead,delivered&not_event_type=job.failed",
  "endpoint_id=E0&event_type=ping,job.completed",
];
const JOBS = [
  "status=failed,canceled",
  "status=pending,running,completed",
  "not_status=completed",
  "type=demo.burn,csv.summary",
  "type=demo.burn,none",
  "not_type=demo.echo",
  "not_type=demo.echo,demo.burn,csv.summary",
  "not_type=none",
  "status=completed&not_type=demo.echo",
  "status=completed,failed,pending&type=demo.echo,demo.burn",
  "not_status=failed&not_type=demo.burn",
  "status=failed&type=demo.echo,demo.burn",
];

describe.each([
  ["/v1/deliveries", DELIVERIES],
  ["/v1/jobs", JOBS],
])("%s", (path, queries) => {
  test.each(queries)("%s: these, all of them, once, newest first", async (raw) => {
    const query = raw.replaceAll(/E(\d)/g, (_, n: string) => endpoints[Number(n)]!);
    const wanted = (await all(path)).filter((row) => fits(row, query)).map(({ id }) => id);
    expect(await walk(`${path}?${query}`)).toEqual(wanted);
  });
});

test("a parameter may be repeated instead", async () => {
  const joined = await list("/v1/deliveries?status=dead,pending");
  expect(await list("/v1/deliveries?status=dead&status=pending")).toEqual(joined);
  expect(await list("/v1/jobs?type=demo.echo&type=demo.burn")).toEqual(
    await list("/v1/jobs?type=demo.echo,demo.burn"),
  );
});

test("held ones are found by the other filters, several values of each", async () => {
  for (const id of endpoints) await api.ask("POST", `/v1/endpoints/${id}/pause`, { body: {} });
  const pending = (await all("/v1/deliveries")).filter(({ status }) => status === "pending");
  for (const raw of ["endpoint_id=E0,E1", "event_type=ping,order.paid", "not_event_type=ping"]) {
    const query = raw.replaceAll(/E(\d)/g, (_, n: string) => endpoints[Number(n)]!);
    const wanted = pending.filter((row) => fits(row, query)).map(({ id }) => id);
    expect(wanted.length).toBeGreaterThan(0);
    const found = await list(`/v1/deliveries?status=held&limit=200&${query}`);
    expect([raw, found.map(({ id }) => id)]).toEqual([raw, wanted]);
  }
  for (const id of endpoints) await api.ask("POST", `/v1/endpoints/${id}/resume`, { body: {} });
});

test("nothing of another account is found by any of it", async () => {
  const own = new Set((await list("/v1/deliveries?limit=200", other)).map(({ id }) => id));
  expect(own.size).toBe(200);
  for (const query of ["endpoint_id=E0,E1,E2", "not_event_type=ping", "status=dead,pending"]) {
    const text = query.replaceAll(/E(\d)/g, (_, n: string) => endpoints[Number(n)]!);
    for (const { id } of await list(`/v1/deliveries?limit=200&${text}`)) {
      expect(own.has(id)).toBe(false);
    }
  }
  expect(await list("/v1/jobs?not_type=none", other)).toEqual([]);
});

test("what excludes all that was chosen finds nothing", async () => {
  for (const path of [
    "/v1/deliveries?status=dead&not_status=dead",
    "/v1/deliveries?event_type=ping&not_event_type=ping",
    "/v1/jobs?status=failed&not_status=failed",
    "/v1/jobs?type=demo.echo&not_type=demo.echo",
  ]) {
    expect([path, await list(path)]).toEqual([path, []]);
  }
});

test.each([
  ["/v1/deliveries?status=dead,gone", "status"],
  ["/v1/deliveries?status=", "status"],
  ["/v1/deliveries?status=held,pending", "status"],
  ["/v1/deliveries?status=held&status=held", "status"],
  ["/v1/deliveries?status=held&not_status=dead", "status"],
  ["/v1/deliveries?not_status=held", "not_status"],
  ["/v1/deliveries?status=dead,", "status"],
  ["/v1/deliveries?not_event_type=a%20b", "not_event_type"],
  ["/v1/deliveries?endpoint_id=ep_1,ep_2", "endpoint_id"],
  [`/v1/deliveries?event_type=${"a,".repeat(20)}a`, "event_type"],
  ["/v1/jobs?not_status=done", "not_status"],
  ["/v1/jobs?type=a,%00", "type"],
])("%s is refused, by name", async (path, parameter) => {
  const { status, body } = await api.ask("GET", path);
  expect([status, body["code"]]).toEqual([400, "query_invalid"]);
  expect((body["errors"] as { parameter: string }[])[0]!.parameter).toBe(parameter);
});

test("the event types that exist are listed, those of the account alone", async () => {
  const types = async (key?: string): Promise<string[]> =>
    ((await list("/v1/event-types", key)) as unknown as { type: string }[]).map(({ type }) => type);
  expect(await types()).toEqual(TYPES);
  const third = await api.addAccount("third");
  expect(await types(third.apiKey)).toEqual(["job.completed"]);
  await api.database.pool.query(
    `insert into deliveries (id, account_id, message_id, event_type, lane_id, url, body_bytes,
       status, next_attempt_at)
     select gen_random_uuid(), $1, gen_random_uuid(), 'many.' || g,
       (select id from lanes limit 1), '', 2, 'pending', now() from generate_series(1000, 1999) g`,
    [third.accountId],
  );
  expect(await types(third.apiKey)).toHaveLength(201);
  // beyond that number the list is walked, and finds all the same
  const found = await list("/v1/deliveries?limit=200&not_event_type=many.1000", third.apiKey);
  expect(found).toHaveLength(200);
  expect(found.every(({ event_type }) => event_type !== "many.1000")).toBe(true);
});
