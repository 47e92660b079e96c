import type { Job, JobStatus } from "../core/model.ts";
import type { Reader, Tx } from "./transaction.ts";

const JOB_COLUMNS = `id, account_id, type, status, input, metadata, callbacks, timeout_s, run,
  progress_fraction, progress_message, progress_data, progress_at, run_started_at,
  cancel_requested_at, error_code, error_message, request_id, created_at, started_at, finished_at,
  updated_at`;

export interface NewJob extends Job {
  max_runs: number;
  trace_id: string;
}

export async function insertJobs(tx: Tx, jobs: readonly NewJob[]): Promise<void> {
  await tx.query({
    name: "insert_jobs",
    text: `insert into jobs (id, account_id, type, status, input, metadata, callbacks, timeout_s,
        max_runs, next_run_at, request_id, trace_id, created_at, updated_at)
      select t.id, t.account_id, t.type, 'pending', t.input, t.metadata, t.callbacks, t.timeout_s,
        t.max_runs, now(), t.request_id, t.trace_id, t.created_at, t.created_at
      from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[],
        $7::int[], $8::int[], $9::text[], $10::text[], $11::timestamptz[])
        as t(id, account_id, type, input, metadata, callbacks, timeout_s, max_runs, request_id,
          trace_id, created_at)`,
    values: [
      jobs.map((j) => j.id),
      jobs.map((j) => j.account_id),
      jobs.map((j) => j.type),
      jobs.map((j) => j.input),
      jobs.map((j) => JSON.stringify(j.metadata)),
      jobs.map((j) => JSON.stringify(j.callbacks)),
      jobs.map((j) => j.timeout_s),
      jobs.map((j) => j.max_runs),
      jobs.map((j) => j.request_id),
      jobs.map((j) => j.trace_id),
      jobs.map((j) => j.created_at),
    ],
  });
}

/** A job whose computation this worker holds. `run` is the fence of all it writes. */
export interface ClaimedRun extends Job {
  max_runs: number;
  failures: number;
  crashes: number;
  trace_id: string;
  run_started_at: Date;
  started_at: Date;
  /** Some endpoint of the account wants job.started, or job.progress. */
  started_subscribed: boolean;
  progress_subscribed: boolean;
}

const SUBSCRIBED = (event: string): string => `exists (
  select 1 from endpoints e where e.account_id = jobs.account_id and e.deleted_at is null
    and (e.events = '{}' or '${event}' = any(e.events)))`;

/**
 * T2: `pending → running`, for those that are still pending and due. The worker's row is held, so
 * a burial either finds the claim or comes first and leaves none.
 */
export async function claimRuns(
  tx: Tx,
  workerId: string,
  ids: readonly string[],
): Promise<ClaimedRun[]> {
  const { rows } = await tx.query<ClaimedRun>({
    name: "claim_runs",
    text: `with me as (select id from workers where id = $1 for key share)
      update jobs set status = 'running', run = run + 1, worker_id = $1, next_run_at = null,
        run_started_at = now(), started_at = coalesce(started_at, now()), progress_fraction = 0,
        progress_message = null, progress_data = null, progress_at = null, updated_at = now()
      where id in (select id from jobs where id = any($2::uuid[]) order by id for update)
        and status = 'pending' and next_run_at <= now() and exists (select from me)
      returning ${JOB_COLUMNS}, max_runs, failures, crashes, trace_id,
        ${SUBSCRIBED("job.started")} as started_subscribed,
        ${SUBSCRIBED("job.progress")} as progress_subscribed`,
    values: [workerId, ids],
  });
  return rows;
}

/** How a run ends its job. */
export interface Ending {
  id: string;
  run: number;
  status: "completed" | "failed" | "canceled";
  /** JSON text. */
  result: string | null;
  errorCode: string | null;
  errorMessage: string | null;
}

export interface EndedJob extends Job {
  trace_id: string;
  finished_at: Date;
}

/** T3: `running → completed | failed | canceled`, fenced by run. Lost claims are missing in the answer. */
export async function endRuns(tx: Tx, endings: readonly Ending[]): Promise<EndedJob[]> {
  const { rows } = await tx.query<EndedJob>({
    name: "end_runs",
    text: `with ending as (
        select * from unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
          as t(ending_id, ending_run, to_status, to_result, to_code, to_message)
      ), held as (
        select id from jobs where id in (select ending_id from ending) order by id for update
      )
      update jobs set status = to_status, result = to_result, error_code = to_code,
        error_message = to_message, worker_id = null, finished_at = now(), updated_at = now(),
        progress_fraction = case when to_status = 'completed' then 1 else progress_fraction end
      from ending join held on held.id = ending_id
      where jobs.id = ending_id and run = ending_run and status = 'running'
      returning ${JOB_COLUMNS.replace(/\bid\b/, "jobs.id")}, trace_id`,
    values: [
      endings.map((e) => e.id),
      endings.map((e) => e.run),
      endings.map((e) => e.status),
      endings.map((e) => e.result),
      endings.map((e) => e.errorCode),
      endings.map((e) => e.errorMessage),
    ],
  });
  return rows;
}

/** Ends a job that no run holds: `pending → canceled`. */
export async function cancelPending(tx: Tx, id: string): Promise<EndedJob | null> {
  const { rows } = await tx.query<EndedJob>(
    `update jobs set status = 'canceled', next_run_at = null, error_code = 'canceled',
       error_message = 'canceled before it ran', cancel_requested_at = now(), finished_at = now(),
       updated_at = now()
     where id = $1 and status = 'pending'
     returning ${JOB_COLUMNS}, trace_id`,
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

/** Locks the row until the transaction ends. */
export async function lockJob(tx: Tx, accountId: string, id: string): Promise<Job | null> {
  const { rows } = await tx.query<Job>(
    `select ${JOB_COLUMNS} from jobs where account_id = $1 and id = $2 for update`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/**
 * `running → pending`: the run failed in a way another run may mend, or its worker stops. Not
 * when the job is to be canceled: it must end, not run again.
 */
export async function returnRun(
  tx: Tx,
  run: { id: string; run: number; delayMs: number; failed: boolean },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update jobs set status = 'pending', worker_id = null,
       next_run_at = now() + $3 * interval '1 millisecond', failures = failures + $4::int,
       updated_at = now()
     where id = $1 and run = $2 and status = 'running' and cancel_requested_at is null`,
    [run.id, run.run, run.delayMs, run.failed ? 1 : 0],
  );
  return rowCount === 1;
}

export interface ProgressWrite {
  id: string;
  run: number;
  fraction: number;
  message: string | null;
  /** JSON text. */
  data: string | null;
}

/** Short write, fenced by run. Null: the claim is lost. */
export async function writeProgress(tx: Tx, p: ProgressWrite): Promise<EndedJob | null> {
  const { rows } = await tx.query<EndedJob>({
    name: "write_progress",
    text: `update jobs set progress_fraction = $3, progress_message = $4, progress_data = $5,
        progress_at = now(), updated_at = now()
      where id = $1 and run = $2 and status = 'running' returning ${JOB_COLUMNS}, trace_id`,
    values: [p.id, p.run, p.fraction, p.message, p.data],
  });
  return rows[0] ?? null;
}

/** Running jobs of a worker whose cancellation was asked for. */
export async function findCancelRequests(
  reader: Reader,
  workerId: string,
): Promise<{ id: string; run: number }[]> {
  const { rows } = await reader.query<{ id: string; run: number }>({
    name: "find_cancel_requests",
    text: `select id, run from jobs
      where worker_id = $1 and status = 'running' and cancel_requested_at is not null`,
    values: [workerId],
  });
  return rows;
}

/** Burial: the runs of a dead worker, locked, in order of id. */
export async function lockRunsOf(
  tx: Tx,
  workerId: string,
): Promise<{ id: string; run: number; crashes: number; cancel_requested_at: Date | null }[]> {
  const { rows } = await tx.query<{
    id: string;
    run: number;
    crashes: number;
    cancel_requested_at: Date | null;
  }>(
    `select id, run, crashes, cancel_requested_at from jobs
     where worker_id = $1 and status = 'running' order by id for update`,
    [workerId],
  );
  return rows;
}

/** `running → pending` for the runs of a worker that is gone; a crash is counted. */
export async function returnRuns(tx: Tx, ids: readonly string[], crashed: boolean): Promise<void> {
  await tx.query(
    `update jobs set status = 'pending', worker_id = null, next_run_at = now(),
       crashes = crashes + $2::int, updated_at = now()
     where id = any($1::uuid[]) and status = 'running'`,
    [ids, crashed ? 1 : 0],
  );
}

/** Runs of this worker as the database knows them, for the audit of its own. */
export async function findRunsOf(
  reader: Reader,
  workerId: string,
): Promise<{ id: string; run: number }[]> {
  const { rows } = await reader.query<{ id: string; run: number }>(
    `select id, run from jobs where worker_id = $1 and status = 'running'`,
    [workerId],
  );
  return rows;
}

/** Milliseconds until a pending job is due, negative when it is; null: it is not pending. */
export async function lockPendingJob(tx: Tx, id: string): Promise<number | null> {
  const { rows } = await tx.query<{ ms: number }>(
    `select (extract(epoch from next_run_at - clock_timestamp()) * 1000)::float8 as ms
     from jobs where id = $1 and status = 'pending' for update`,
    [id],
  );
  return rows[0]?.ms ?? null;
}

/**
 * Pending jobs that have been due for a while and that no queue entry will wake. An entry that
 * was fetched a moment ago waits for a thread; one locked for long is in nobody's hands.
 */
export async function findForgottenJobs(
  reader: Reader,
  overdueMs: number,
  limit: number,
): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select j.id from jobs j
     left join graphile_worker.jobs q on q.key = 'run-job:' || j.id
       and coalesce(q.locked_at, 'infinity') > now() - $1 * interval '1 millisecond'
       and q.attempts < q.max_attempts and q.run_at <= now()
     where j.status = 'pending' and j.next_run_at < now() - $1 * interval '1 millisecond'
       and q.id is null
     order by j.next_run_at limit $2`,
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
  const { rows } = await reader.query<{ status: JobStatus; result: string | null }>(
    `select status, result from jobs where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** Newest first. `before`: the id that ended the page before. Times bound created_at, half-open. */
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
): Promise<Job[]> {
  const { rows } = await reader.query<Job>(
    `select ${JOB_COLUMNS} from jobs
     where account_id = $1 and ($2::text is null or status = $2) and ($3::text is null or type = $3)
       and ($4::timestamptz is null or created_at >= $4)
       and ($5::timestamptz is null or created_at < $5)
       and ($6::uuid is null or id < $6)
     order by id desc limit $7`,
    [
      accountId,
      filter.status ?? null,
      filter.type ?? null,
      filter.since ?? null,
      filter.until ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  );
  return rows;
}

/** Which of these jobs have ended. */
export async function findFinishedJobs(reader: Reader, ids: readonly string[]): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>({
    name: "find_finished_jobs",
    text: `select id from jobs where id = any($1::uuid[]) and finished_at is not null`,
    values: [ids],
  });
  return rows.map(({ id }) => id);
}

/** Jobs by state, and the age of the oldest due pending one in seconds, for metrics. */
export async function countJobs(
  reader: Reader,
): Promise<{ status: JobStatus; count: number; oldest_due_s: number | null }[]> {
  const { rows } = await reader.query<{
    status: JobStatus;
    count: number;
    oldest_due_s: number | null;
  }>(
    `select status, count(*)::int as count,
       extract(epoch from now() - min(next_run_at) filter (where next_run_at <= now()))::float8
         as oldest_due_s
     from jobs where status in ('pending', 'running') group by status`,
  );
  return rows;
}
