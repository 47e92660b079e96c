import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { formatId } from "../../src/core/ids.ts";
import { BIG_TABLES } from "../../src/db/maintenance/partitions.ts";
import { createPool } from "../../src/db/pool.ts";
import { startApi, type TestApi } from "../http/api.ts";
import { fillTables, type Filled } from "../support/big-tables.ts";
import { askedForJobs } from "../support/hot-statements.ts";
import { explain, indexesOf, listenIn, type Asked, type Plan } from "../support/plans.ts";

let api: TestApi;
let filled: Filled;
beforeAll(async () => {
  api = await startApi({ worker: false });
  filled = await fillTables(api, 20_000);
}, 60_000);
afterAll(async () => await api?.stop());

/** Requests that look at the big tables. */
const requests = (): string[] => {
  const [busy] = filled.endpoints.map((id) => formatId("endpoint", id));
  return [
    "/v1/jobs",
    "/v1/jobs?type=csv.summary",
    "/v1/jobs?status=failed",
    "/v1/jobs?status=running",
    `/v1/jobs/${formatId("job", filled.job)}/timeline`,
    "/v1/messages",
    "/v1/messages?type=order.rare",
    `/v1/messages/${formatId("message", filled.message)}`,
    "/v1/deliveries",
    "/v1/deliveries?event_type=order.rare",
    "/v1/deliveries?status=dead",
    "/v1/deliveries?status_class=5xx",
    `/v1/deliveries?endpoint_id=${busy}`,
    `/v1/deliveries?job_id=${formatId("job", filled.job)}`,
    `/v1/deliveries/${formatId("delivery", filled.delivery)}`,
    "/v1/search?q=env%3Dprod",
  ];
};

/** The plan of a statement for any values; its parameters are of no account. */
async function planOf(pool: ReturnType<typeof createPool>, { text, values }: Asked): Promise<Plan> {
  const nothing = values.length === 0 ? "" : `(${values.map(() => "null").join(", ")})`;
  await pool.query(`prepare hot as ${text}`);
  try {
    const { rows } = await pool.query<{ "QUERY PLAN": [{ Plan: Plan }] }>(
      `explain (format json) execute hot${nothing}`,
    );
    return rows[0]!["QUERY PLAN"][0].Plan;
  } finally {
    await pool.query("deallocate hot");
  }
}

test("each index of the big tables serves a statement of the product", async () => {
  // one that serves none shows that it would be found
  await api.database.pool.query("create index planted on messages (trace_id)");
  const used = new Set<string>();
  const asked = await listenIn(async () => {
    for (const path of requests()) {
      expect([path, (await api.ask("GET", path)).status]).toEqual([path, 200]);
    }
  });
  for (const query of asked) {
    for (const name of indexesOf(await explain(api.database.pool, query))) used.add(name);
  }
  const options = { connectionString: api.database.url, max: 1, name: "test" };
  const pool = createPool({ ...options, onError: () => undefined });
  try {
    for (const query of await askedForJobs()) {
      for (const name of indexesOf(await planOf(pool, query))) used.add(name);
    }
  } finally {
    await pool.end();
  }
  const { rows } = await api.database.pool.query<{ index: string; parts: string[] }>(
    `select i.indexrelid::regclass::text as index,
       array_append(array_agg(p.inhrelid::regclass::text), i.indexrelid::regclass::text) as parts
     from pg_index i left join pg_inherits p on p.inhparent = i.indexrelid
     where i.indrelid = any($1::text[]::regclass[]) group by i.indexrelid`,
    [[...BIG_TABLES, "unfinished_jobs"]],
  );
  expect(rows.length).toBeGreaterThan(20);
  const idle = rows.filter(({ parts }) => !parts.some((name) => used.has(name)));
  expect(idle.map(({ index }) => index)).toEqual(["planted"]);
}, 120_000);
