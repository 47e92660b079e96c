import { readFileSync } from "node:fs";
import type pg from "pg";
import { readTree } from "../cpu.ts";
import { connect } from "../../src/db/connection.ts";

/** Nanoseconds that a process has run; it is exact while the process waits. */
function readCpuNs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);
}

/** What one life cost: µs of backends and of Postgres' other processes, bytes of WAL. */
export interface Cost {
  lives: number;
  cpuUs: number;
  otherUs: number;
  walBytes: number;
  fullPages: number;
  /** µs of backends per life, by step. */
  steps: Record<string, number>;
}

/** Told after each step of a life. */
export type Mark = (step: string) => void;

interface Backend {
  client: pg.Client;
  pid: number;
}

/** Some sessions with the settings of the product's. */
export async function openBackends(url: string, count: number): Promise<Backend[]> {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const limits = { statementMs: 60_000, idleInTransactionMs: 60_000 };
      const client = await connect({ connectionString: url, name: "prototype", limits });
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      return { client, pid: rows[0]!.pid };
    }),
  );
}

interface CellOptions {
  postmaster: number;
  backends: readonly Backend[];
  admin: pg.Pool;
  /** Lives of one call of `live`. */
  size: number;
  /** CPU seconds of all backends that end the cell. */
  seconds: number;
  live(client: pg.Client, backend: number, turn: number, mark: Mark): Promise<void>;
}

/** Runs lives on all backends at once, after a checkpoint and some lives that don't count. */
export async function measureCell(options: CellOptions): Promise<Cost> {
  const { backends, admin, size, live, postmaster } = options;
  await admin.query("checkpoint");
  const turns = backends.map(() => 0);
  let steps: Record<string, number> = {};
  const each = async (more: () => boolean): Promise<void> => {
    await Promise.all(
      backends.map(async ({ client, pid }, index) => {
        let last = readCpuNs(pid);
        const mark: Mark = (step) => {
          const now = readCpuNs(pid);
          steps[step] = (steps[step] ?? 0) + now - last;
          last = now;
        };
        while (more()) await live(client, index, turns[index]!++, mark);
      }),
    );
  };
  const done = (): number => turns.reduce((sum, count) => sum + count, 0);
  // each page's first change after a checkpoint is logged whole: those of pages in use come here
  const warm = Math.max(40, 400 / size);
  await each(() => done() < warm);
  const start = { turns: done(), ...(await readState(options)) };
  steps = {};
  const limit = performance.now() + 8_000;
  const cpu = (): number => backends.reduce((sum, { pid }) => sum + readCpuNs(pid), 0);
  await each(() => cpu() - start.cpuNs < options.seconds * 1e9 && performance.now() < limit);
  const end = await readState(options);
  const lives = (done() - start.turns) * size;
  const backendNs = end.cpuNs - start.cpuNs;
  return {
    lives,
    cpuUs: backendNs / 1000 / lives,
    otherUs: Math.max(0, ((readTree(postmaster) - start.ticks) * 1e4 - backendNs / 1000) / lives),
    walBytes: (end.wal - start.wal) / lives,
    fullPages: (end.fullPages - start.fullPages) / lives,
    steps: Object.fromEntries(
      Object.entries(steps).map(([step, ns]) => [step, Math.round(ns / 100 / lives) / 10]),
    ),
  };
}

async function readState({ backends, admin, postmaster }: CellOptions) {
  const { rows } = await admin.query<{ wal: string; fpi: string }>(
    `select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as wal, wal_fpi as fpi from pg_stat_wal`,
  );
  return {
    wal: Number(rows[0]!.wal),
    fullPages: Number(rows[0]!.fpi),
    cpuNs: backends.reduce((sum, { pid }) => sum + readCpuNs(pid), 0),
    ticks: readTree(postmaster),
  };
}

/** Bytes of tables with their partitions: heaps and indexes. */
export async function readSizes(
  pool: pg.Pool,
  tables: readonly string[],
): Promise<{ heap: number; indexes: number }> {
  const { rows } = await pool.query<{ heap: string; indexes: string }>(
    `select sum(pg_table_size(relid)) as heap, sum(pg_indexes_size(relid)) as indexes
     from unnest($1::regclass[]) t cross join lateral (
       select relid from pg_partition_tree(t) where isleaf
       union select t where not exists (select from pg_partition_tree(t))) p`,
    [tables],
  );
  return { heap: Number(rows[0]!.heap), indexes: Number(rows[0]!.indexes) };
}
