import { setTimeout as sleep } from "node:timers/promises";
import { apiOf, until } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, BODY_BYTES, jobRequests } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { count, figure } from "../figure.ts";
import { settleDown } from "../prepare.ts";

export const costScenario: Scenario = {
  about: "bytes kept and bytes of write-ahead log per delivered webhook of 1 kB, job included",
  quick: false,
  async run(bench) {
    const jobs = bench.sizes.costJobs;
    const { disk, wal, tables } = await bench.withDatabase((database) =>
      measure(bench, database, jobs),
    );
    bench.tell(`per webhook: ${disk.toFixed(0)} bytes kept, ${wal.toFixed(0)} bytes of WAL`);
    const goals = [
      { variant: "kept", bytes: disk, atMost: 2.5, detail: { jobs, bytes_by_table: tables } },
      { variant: "write-ahead log", bytes: wal, atMost: 8, detail: { jobs } },
    ];
    return goals.map(({ variant, bytes, atMost, detail }) =>
      figure({
        variant,
        measured: `${count(bytes)} bytes`,
        ceiling: `${count(BODY_BYTES)} bytes`,
        ratio: bytes / BODY_BYTES,
        goal: { atMost },
        detail,
      }),
    );
  },
};

/**
 * Twice the same: the first round is what was there before, and leaves the free space that
 * autovacuum leaves in a database that is in use. The second is measured.
 */
async function measure(
  bench: Bench,
  database: BenchDatabase,
  jobs: number,
): Promise<{ disk: number; wal: number; tables: Record<string, number> }> {
  const { pool } = database;
  await settleDown(pool);
  return await bench.withProduct(database, bench.processes, async (processes) => {
    const api = apiOf(processes);
    await round(bench, database, api, jobs);
    await pool.query("vacuum");
    const before = await readSizes(pool);
    const walBefore = await readWal(pool);
    await round(bench, database, api, jobs);
    const wal = (await readWal(pool)) - walBefore;
    await pool.query("vacuum");
    const after = await readSizes(pool);
    const tables: Record<string, number> = {};
    let disk = 0;
    for (const [name, bytes] of after) {
      const each = (bytes - (before.get(name) ?? 0)) / jobs;
      disk += each;
      if (Math.abs(each) >= 1) tables[name] = Math.round(each);
    }
    return { disk, wal: wal / jobs, tables };
  });
}

async function round(
  { client, receiver, fixture, receiverUrl }: Bench,
  { pool }: BenchDatabase,
  api: string,
  jobs: number,
): Promise<void> {
  await receiver.call("reset");
  await client.call("flood", {
    url: `${api}/v1/jobs`,
    headers: apiHeaders(fixture.jobs.apiKey),
    bodies: jobRequests(`${receiverUrl}/cost`),
    connections: 16,
    count: jobs,
  });
  await until("all is delivered and settled", async () => {
    const { rows } = await pool.query<{ open: number }>(
      `select (select count(*) from unfinished_jobs)::int
         + (select count(*) from deliveries where status <> 'delivered')::int as open`,
    );
    return { done: rows[0]!.open === 0, progress: -rows[0]!.open };
  });
  // the last queue entries are completed
  await sleep(500);
}

async function readWal(pool: BenchDatabase["pool"]): Promise<number> {
  const { rows } = await pool.query<{ bytes: number }>(
    `select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::float8 as bytes`,
  );
  return rows[0]!.bytes;
}

/** Bytes of each table with its indexes, ours and graphile-worker's; partitions under their table. */
async function readSizes(pool: BenchDatabase["pool"]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ name: string; bytes: number }>(
    `select coalesce(i.inhparent, c.oid)::regclass::text as name,
       sum(pg_total_relation_size(c.oid))::float8 as bytes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     left join pg_inherits i on i.inhrelid = c.oid
     where c.relkind in ('r', 'p') and n.nspname in ('public', 'graphile_worker')
     group by 1`,
  );
  return new Map(rows.map(({ name, bytes }) => [name, bytes]));
}
