import { INLINE_RESULT_BYTES } from "../../core/model.ts";
import type { Job, ShownJob } from "../../core/model.ts";
import { searchKeysOf } from "../../core/search-keys.ts";
import { emits } from "../activity/emits.ts";
import { NUDGE_FOR_JOBS } from "../queue/wake.ts";
import type { Reader, Tx } from "../transaction.ts";
import { rowsAs, unindexed } from "../rows.ts";
import { insertKeys, searchKeyRows } from "../search-keys.ts";
import { JOB_COLUMNS, rowById, UNFINISHED_COLUMNS } from "./columns.ts";

export interface NewJob extends Job {
  max_runs: number;
  trace_id: string;
}

const JOBS = rowsAs<NewJob>("t", {
  id: "uuid",
  account_id: "uuid",
  type: "text",
  input: "text",
  metadata: "text",
  callbacks: ["jsonb", ({ callbacks }) => JSON.stringify(callbacks)],
  timeout_s: "int",
  max_runs: "int",
  request_id: "text",
  trace_id: "text",
  created_at: "timestamptz",
});

const KEYS = searchKeyRows(JOBS.count + 1);

/**
 * Stores jobs with their search keys and announces them, in one statement, which may be a
 * transaction of its own.
 */
export async function insertJobs(tx: Tx, jobs: readonly NewJob[]): Promise<void> {
  const keys = jobs.flatMap(searchKeysOf);
  await tx.query({
    name: keys.length === 0 ? "insert_jobs" : "insert_jobs_with_keys",
    text: `with ${keys.length === 0 ? "" : `keyed as (${insertKeys(KEYS)}), `}made as (
      insert into jobs (id, account_id, type, input, metadata, callbacks, timeout_s, max_runs,
        request_id, trace_id, created_at)
      select t.id, t.account_id, t.type, t.input, t.metadata, t.callbacks, t.timeout_s, t.max_runs,
        t.request_id, t.trace_id, t.created_at
      from ${JOBS.sql}
      returning id, account_id, type, created_at
      ), pending as (
        insert into unfinished_jobs (id, account_id, status, next_run_at, updated_at)
        select id, account_id, 'pending', now(), created_at from made
      ), emitted as (${emits("made", {
        type: "job.accepted",
        about: { job_id: "id" },
        data: "json_build_object('job_type', type)",
      })})
      select ${NUDGE_FOR_JOBS}`,
    values: [...JOBS.values(jobs), ...(keys.length === 0 ? [] : KEYS.values(keys))],
  });
}

export async function requestCancel(tx: Tx, id: string): Promise<Job | null> {
  const { rows } = await tx.query<Job>(
    `with requested as (
       update unfinished_jobs set cancel_requested_at = coalesce(cancel_requested_at, now()),
         updated_at = now()
       where id = $1 and ${unindexed("status")} = 'running' returning *)
     select ${UNFINISHED_COLUMNS} from requested u cross join ${rowById("jobs", "u.id")} j`,
    [id],
  );
  return rows[0] ?? null;
}

/**
 * The job, locked until the transaction ends; one that has ended has nothing to lock. The look is a
 * later statement than the lock, so it sees an end that the lock has waited for.
 */
export async function lockJob(tx: Tx, accountId: string, id: string): Promise<Job | null> {
  for (;;) {
    const { rowCount } = await tx.query(
      `select from unfinished_jobs where account_id = $1 and id = $2 for update`,
      [accountId, id],
    );
    const job = await getJob(tx, accountId, id);
    // or it was submitted between the two statements
    if (rowCount === 1 || job === null || job.finished_at !== null) return job;
  }
}

/** Some of the jobs that have been pending and due for a while, in the order of their index. */
export async function findOverdueJobs(
  reader: Reader,
  overdueMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from unfinished_jobs
     where status = 'pending' and next_run_at < now() - $1 * interval '1 millisecond'
       and updated_at < now() - $1 * interval '1 millisecond'
     order by account_id, next_run_at limit $2`,
    [overdueMs, limit],
  );
  return rows.map(({ id }) => id);
}

/** The length of a result is known without a read of what is stored out of line. */
export async function getJob(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<ShownJob | null> {
  const { rows } = await reader.query<ShownJob>({
    name: "get_job",
    text: `select ${JOB_COLUMNS},
        case when octet_length(result) <= ${INLINE_RESULT_BYTES} then result end as result
      from job_states where account_id = $1 and id = $2`,
    values: [accountId, id],
  });
  return rows[0] ?? null;
}

/** The result as the JSON text that was computed; null until completed. */
export async function getJobResult(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<string | null> {
  const { rows } = await reader.query<{ result: string | null }>({
    name: "get_job_result",
    text: `select result from job_states where account_id = $1 and id = $2`,
    values: [accountId, id],
  });
  return rows[0]?.result ?? null;
}

/** The ids, among these, of jobs that have ended. */
export async function findFinishedJobs(reader: Reader, ids: readonly string[]): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>({
    name: "find_finished_jobs",
    text: `select id from job_ends where id = any($1::uuid[])`,
    values: [ids],
  });
  return rows.map(({ id }) => id);
}
