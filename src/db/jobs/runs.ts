import type { Job } from "../../core/model.ts";
import { wantsEvent } from "../../core/receivers.ts";
import { rowById, UNFINISHED_COLUMNS } from "./columns.ts";
import { emits } from "../activity/emits.ts";
import type { Reader, Tx } from "../transaction.ts";
import { unindexed } from "../rows.ts";

/** A job whose run this worker has claimed. `run` fences all writes of the worker. */
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

// a scalar subquery: from an `exists` the planner may make a table of all endpoints
const subscribed = (event: string): string => `(
  select true from endpoints e where e.account_id = a.account_id and e.deleted_at is null
    and (${wantsAllOf(event)}'${event}' = any(e.events)) limit 1) is true`;

/** The events of an endpoint that names none; see `wantsEvent`. */
function wantsAllOf(event: string): string {
  return wantsEvent([], event) ? "e.events = '{}' or " : "";
}

export interface Claims {
  jobs: ClaimedRun[];
  /** The number of jobs chosen: others may have taken some of them at the same time. */
  chosen: number;
  /** The last account looked at, when there may be more behind it; null: there are none. */
  stoppedAt: string | null;
}

/** The most accounts that one claim looks at. */
export const CLAIM_ACCOUNTS = 64;

/**
 * The claim: `pending → running`, for the fairest of the jobs that are due: the accounts with the
 * fewest runs first, in each the longest due first. The worker's row is locked, so a recovery
 * either finds the claim or comes first and leaves none. The choice locks nothing; jobs that others
 * took meanwhile are skipped. Some accounts are looked at, so that a claim costs no more when many
 * wait; the caller goes on with those behind.
 * @param after the last account looked at before; null: begin with the first
 */
export async function claimRuns(
  tx: Tx,
  workerId: string,
  limit: number,
  after: string | null = null,
): Promise<Claims> {
  const { rows } = await tx.query<ClaimedRun & { chosen: number; stopped_at: string | null }>({
    name: "claim_runs",
    text: `with recursive me as (
        select id from workers where id = $1 for key share
      ), waiting(account_id, number) as (
        (select account_id, 1 from unfinished_jobs
         where status = 'pending'
           and account_id > coalesce($3::uuid, '00000000-0000-0000-0000-000000000000')
         order by account_id limit 1)
        union all
        select (select j.account_id from unfinished_jobs j
                where j.status = 'pending' and j.account_id > w.account_id
                order by j.account_id limit 1), w.number + 1
        from waiting w where w.account_id is not null and w.number < ${CLAIM_ACCOUNTS}
      ), busy as (
        select account_id, count(*) as runs
        from (select account_id from unfinished_jobs where status = 'running' offset 0) running
        group by account_id
      ), chosen as (
        select due.id from waiting w
        cross join lateral (
          select j.id, j.next_run_at, row_number() over (order by j.next_run_at) as nth from (
            select id, next_run_at from unfinished_jobs
            where status = 'pending' and account_id = w.account_id and next_run_at <= now()
            order by next_run_at limit $2) j) due
        left join busy using (account_id)
        order by due.nth + coalesce(busy.runs, 0), due.next_run_at limit $2
      ), held as (
        select id from unfinished_jobs
        where id = any(array(select id from chosen)) and ${unindexed("status")} = 'pending'
        order by id for update skip locked
      ), taken as (
        update unfinished_jobs set status = 'running', run = run + 1, worker_id = $1,
          next_run_at = null, run_started_at = now(), started_at = coalesce(started_at, now()),
          progress_fraction = 0, progress_message = null, progress_data = null, progress_at = null,
          updated_at = now()
        where id = any(array(select id from held)) and ${unindexed("status")} = 'pending'
          and next_run_at <= now() and exists (select from me)
        returning *
      ), claimed as (
        select ${UNFINISHED_COLUMNS}, j.max_runs, u.failures, u.crashes, j.trace_id
        from taken u cross join ${rowById("jobs", "u.id")} j
      ), wanted as (
        select account_id, ${subscribed("job.started")} as started_subscribed,
          ${subscribed("job.progress")} as progress_subscribed
        from (select distinct account_id from claimed) a
      ), emitted as (${emits("claimed", {
        type: "job.started",
        about: { job_id: "id" },
        data: "json_build_object('job_type', type, 'run', run)",
      })})
      select c.*, claimed.*, started_subscribed, progress_subscribed
      from (select (select count(*)::int from chosen) as chosen,
        (select account_id from waiting where number = ${CLAIM_ACCOUNTS}) as stopped_at) c
      left join (claimed join wanted using (account_id)) on true`,
    values: [workerId, limit, after],
  });
  const { chosen, stopped_at } = rows[0]!;
  return { jobs: rows.filter(({ id }) => id !== null), chosen, stoppedAt: stopped_at };
}

/**
 * `running → pending`: the run failed in a way that another run may mend, or its worker stops. A
 * job that is to be canceled is left: it must end, not run again.
 */
export async function returnRun(
  tx: Tx,
  run: { id: string; run: number; delayMs: number; failed: boolean },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update unfinished_jobs set status = 'pending', worker_id = null,
       next_run_at = now() + $3 * interval '1 millisecond', failures = failures + $4::int,
       updated_at = now()
     where id = $1 and run = $2 and ${unindexed("status")} = 'running'
       and cancel_requested_at is null`,
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

/** Writes progress in a short write, fenced by run. Null: the claim is lost. */
export async function writeProgress(
  tx: Tx,
  p: ProgressWrite,
): Promise<(Job & { trace_id: string }) | null> {
  const { rows } = await tx.query<Job & { trace_id: string }>({
    name: "write_progress",
    text: `with updated as (
        update unfinished_jobs set progress_fraction = $3, progress_message = $4,
          progress_data = $5, progress_at = now(), updated_at = now()
        where id = $1 and run = $2 and ${unindexed("status")} = 'running' returning *
      ), written as (
        select ${UNFINISHED_COLUMNS}, j.trace_id
        from updated u cross join ${rowById("jobs", "u.id")} j
      ), emitted as (${emits("written", {
        type: "job.progress",
        about: { job_id: "id" },
        data: `json_build_object('job_type', type, 'run', run, 'fraction', progress_fraction,
          'message', progress_message)`,
      })})
      select * from written`,
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
    text: `select id, run from unfinished_jobs
      where worker_id = $1 and status = 'running' and cancel_requested_at is not null`,
    values: [workerId],
  });
  return rows;
}

/** Recovery: the runs of a dead worker, locked, in order of id. */
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
    `with mine as materialized (
       select id from unfinished_jobs where worker_id = $1 and status = 'running')
     select id, run, crashes, cancel_requested_at from unfinished_jobs
     where id = any(array(select id from mine)) and worker_id = $1 and status = 'running'
     order by id for update`,
    [workerId],
  );
  return rows;
}

/**
 * `running → pending` for the runs of a worker that is gone; a crash is counted. These jobs go on
 * before later ones: a backlog must not delay a job that had begun.
 */
export async function returnRuns(tx: Tx, ids: readonly string[], crashed: boolean): Promise<void> {
  await tx.query(
    `update unfinished_jobs set status = 'pending', worker_id = null,
       next_run_at = coalesce(run_started_at, now()), crashes = crashes + $2::int, updated_at = now()
     where id = any($1::uuid[]) and ${unindexed("status")} = 'running'`,
    [ids, crashed ? 1 : 0],
  );
}

/** The runs that this worker has in the database, for its audit. */
export async function findRunsOf(
  reader: Reader,
  workerId: string,
): Promise<{ id: string; run: number }[]> {
  const { rows } = await reader.query<{ id: string; run: number }>(
    `select id, run from unfinished_jobs where worker_id = $1 and status = 'running'`,
    [workerId],
  );
  return rows;
}
