import { MAX_LISTED_INPUT } from "../../core/model.ts";
import type { Job, JobStatus, ListedJob } from "../../core/model.ts";
import { createdWithin } from "../created-within.ts";
import { emits, typeBy } from "../activity/emits.ts";
import { NUDGE_FOR_JOBS } from "../queue/wake.ts";
import type { Reader, Tx } from "../transaction.ts";
import { rowsAs, unindexed } from "../rows.ts";

/** The columns of a `Job`, as an update of `jobs` returns them as well. */
export const JOB_COLUMNS = `id, account_id, type, status, input, metadata, callbacks, timeout_s, run,
  progress_fraction, progress_message, progress_data, progress_at, run_started_at,
  cancel_requested_at, error_code, error_message, request_id, created_at, started_at, finished_at,
  updated_at`;

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

/** Stores jobs and announces them, in one statement, which may be a transaction of its own. */
export async function insertJobs(tx: Tx, jobs: readonly NewJob[]): Promise<void> {
  await tx.query({
    name: "insert_jobs",
    text: `with made as (
      insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s,
        max_runs, next_run_at, request_id, trace_id, created_at, updated_at)
      select t.id, t.account_id, t.type, 'pending', t.input, t.metadata, t.callbacks, t.timeout_s,
        t.max_runs, now(), t.request_id, t.trace_id, t.created_at, t.created_at
      from ${JOBS.sql}
      returning id, account_id, type
      ), emitted as (${emits("made", {
        type: "job.accepted",
        about: { job_id: "id" },
        data: "json_build_object('job_type', type)",
      })})
      select ${NUDGE_FOR_JOBS}`,
    values: JOBS.values(jobs),
  });
}

/** A job at its end. */
export interface EndedJob extends Job {
  trace_id: string;
  finished_at: Date;
}

/** The part of a statement that records the ends of the jobs in its CTE `ended`. */
export const EMIT_ENDED = emits("ended", {
  type: typeBy("status", {
    completed: "job.completed",
    failed: "job.failed",
    canceled: "job.canceled",
  }),
  about: { job_id: "id" },
  data: `json_strip_nulls(json_build_object('job_type', type, 'status', status, 'run', run,
      'error_code', error_code))`,
  ends: true,
});

/** Ends a job that no run holds: `pending → canceled`. */
export async function cancelPending(tx: Tx, id: string): Promise<EndedJob | null> {
  const { rows } = await tx.query<EndedJob>(
    `with ended as (
       update jobs set status = 'canceled', next_run_at = null, error_code = 'canceled',
         error_message = 'canceled before it ran', cancel_requested_at = now(), finished_at = now(),
         updated_at = now()
       where id = $1 and ${unindexed("status")} = 'pending'
       returning ${JOB_COLUMNS}, trace_id
     ), emitted as (${EMIT_ENDED})
     select * from ended`,
    [id],
  );
  return rows[0] ?? null;
}

export async function requestCancel(tx: Tx, id: string): Promise<Job | null> {
  const { rows } = await tx.query<Job>(
    `update jobs set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
     where id = $1 and status = 'running' returning ${JOB_COLUMNS}`,
    [id],
  );
  return rows[0] ?? null;
}

/** Locks the job until the transaction ends. */
export async function lockJob(tx: Tx, accountId: string, id: string): Promise<Job | null> {
  const { rows } = await tx.query<Job>(
    `select ${JOB_COLUMNS} from jobs where account_id = $1 and id = $2 for update`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** Some of the jobs that have been pending and due for a while. */
export async function findOverdueJobs(
  reader: Reader,
  overdueMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from jobs
     where status = 'pending' and next_run_at < now() - $1 * interval '1 millisecond'
       and updated_at < now() - $1 * interval '1 millisecond' limit $2`,
    [overdueMs, limit],
  );
  return rows.map(({ id }) => id);
}

export async function getJob(reader: Reader, accountId: string, id: string): Promise<Job | null> {
  const { rows } = await reader.query<Job>({
    name: "get_job",
    text: `select ${JOB_COLUMNS} from jobs where account_id = $1 and id = $2`,
    values: [accountId, id],
  });
  return rows[0] ?? null;
}

/** The result as the JSON text that was computed; null until completed. */
export async function getJobResult(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<{ status: JobStatus; result: string | null } | null> {
  const { rows } = await reader.query<{ status: JobStatus; result: string | null }>({
    name: "get_job_result",
    text: `select status, result from jobs where account_id = $1 and id = $2`,
    values: [accountId, id],
  });
  return rows[0] ?? null;
}

// The length is known without a read of the value that is stored out of line.
const LISTED_COLUMNS = `${JOB_COLUMNS.replace(
  /\binput\b/,
  `case when octet_length(input) <= ${MAX_LISTED_INPUT} then input end as input`,
)}, octet_length(input) as input_bytes`;

/** Newest first. `before`: the last id of the page before. Times bound created_at, half-open. */
export async function listJobs(
  reader: Reader,
  accountId: string,
  filter: {
    status?: JobStatus | undefined;
    type?: string | undefined;
    since?: Date | undefined;
    until?: Date | undefined;
    before?: string | undefined;
    limit: number;
  },
): Promise<ListedJob[]> {
  const values: unknown[] = [accountId];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = ["account_id = $1"];
  if (filter.status !== undefined) where.push(`status = ${bind(filter.status)}`);
  if (filter.type !== undefined) where.push(`type = ${bind(filter.type)}`);
  where.push(...createdWithin("created_at", "id", filter, bind));
  if (filter.before !== undefined) where.push(`id < ${bind(filter.before)}`);
  const { rows } = await reader.query<ListedJob>(
    `select ${LISTED_COLUMNS} from jobs
     where ${where.join(" and ")} order by id desc limit ${bind(filter.limit)}`,
    values,
  );
  return rows;
}

/** The ids, among these, of jobs that have ended. */
export async function findFinishedJobs(reader: Reader, ids: readonly string[]): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>({
    name: "find_finished_jobs",
    text: `select id from jobs where id = any($1::uuid[]) and finished_at is not null`,
    values: [ids],
  });
  return rows.map(({ id }) => id);
}
