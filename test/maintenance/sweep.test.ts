import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sweep } from "../../src/flow/maintenance/reconcile.ts";
import { createTestContext } from "../support/context.ts";
import type { TestContext } from "../support/context.ts";
import { count } from "../support/jobs.ts";

const ROWS = 5_500;

let t: TestContext;
beforeAll(async () => {
  t = await createTestContext({ worker: false });
});
afterAll(async () => await t?.stop());

test("L4: what is swept goes in small batches, each kind whatever becomes of the others", async () => {
  const { pool } = t.database;
  await pool.query(
    `insert into idempotency_records (account_id, key, fingerprint, status, headers, body, expires_at)
     select $1, 'k' || g, 'f', 202, '{}', '', now() - interval '1 hour' from generate_series(1, $2::int) g`,
    [t.accountId, ROWS],
  );
  await pool.query(
    `insert into stats (account_id, step_s, at, endpoint_id, source, counts)
     select $1, s, now() - d * interval '1 day' - g * interval '1 minute', gen_random_uuid(),
       gen_random_uuid(), '{1}'
     from generate_series(1, $2::int) g, (values (60, 8), (60, 1), (3600, 401), (3600, 8)) old(s, d)
     where d <> 1 or g < 1000`,
    [t.accountId, ROWS],
  );
  await pool.query(
    "insert into activity_interest (account_id, listened_until) values ($1, now() - interval '20 minutes')",
    [t.accountId],
  );
  await pool.query(
    `insert into activity (account_id, at, type, data)
     select $1, now() - interval '20 minutes', 'job.accepted', '{}' from generate_series(1, $2::int) g`,
    [t.accountId, ROWS],
  );
  await pool.query(`
    create table swept (name text, rows integer);
    create function note_swept() returns trigger language plpgsql as $$ begin
      insert into swept select tg_table_name, count(*) from gone;
      return null; end $$`);
  for (const table of ["idempotency_records", "stats", "activity"]) {
    await pool.query(
      `create trigger note_swept after delete on ${table} referencing old table as gone
       for each statement execute function note_swept()`,
    );
  }
  // one that can't be swept
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin
      raise exception 'refused'; end $$;
    create trigger refuse before delete on idempotency_records execute function refuse()`);
  await expect(sweep(t.context)).rejects.toThrow("refused");
  expect(await count(t, "idempotency_records")).toBe(ROWS);
  expect(await count(t, "stats")).toBe(ROWS + 999);
  expect(await count(t, "activity")).toBe(0);
  expect(await count(t, "activity_interest")).toBe(0);

  await pool.query("drop trigger refuse on idempotency_records");
  await sweep(t.context);
  expect(await count(t, "idempotency_records")).toBe(0);
  const { rows } = await pool.query<{ most: number }>(
    "select max(rows)::int as most from swept group by name",
  );
  expect(rows.map(({ most }) => most)).toEqual([1_000, 1_000, 1_000]);
});
