import type { Job } from "../../core/model.ts";
import { emits, typeBy } from "../activity/emits.ts";
import type { Tx } from "../transaction.ts";
import { rowsAs, unindexed } from "../rows.ts";
import { END_COLUMNS, ENDED_COLUMNS, rowById } from "./columns.ts";

/** A job at its end. */
export interface EndedJob extends Job {
  trace_id: string;
  finished_at: Date;
}

/** Columns that the end takes over from the row of `unfinished_jobs`. */
const TAKEN = `id, account_id, run, failures, crashes, run_started_at, started_at,
  progress_data, progress_at`;

/**
 * The rest of a statement that ends jobs: the rows of `unfinished_jobs` in its CTE `gone`, which it
 * has deleted, each with its end. It writes and records the ends, and selects the jobs.
 */
const KEEP_ENDS = `kept as (
    insert into job_ends (${TAKEN}, status, result, error_code, error_message, cancel_requested_at,
      progress_fraction, progress_message, finished_at)
    select ${TAKEN}, to_status, to_result, to_code, to_message, requested_at,
      case when to_status = 'completed' then 1 else progress_fraction end,
      -- how far it had come is out of date when it is done
      case when to_status <> 'completed' then progress_message end, now()
    from gone
    returning ${END_COLUMNS}
  ), ended as (
    select ${ENDED_COLUMNS}, j.trace_id from kept e cross join ${rowById("jobs", "e.id")} j
  ), emitted as (${emits("ended", {
    type: typeBy("status", {
      completed: "job.completed",
      failed: "job.failed",
      canceled: "job.canceled",
    }),
    about: { job_id: "id" },
    data: `json_strip_nulls(json_build_object('job_type', type, 'status', status, 'run', run,
      'error_code', error_code))`,
    ends: true,
  })})
  select * from ended`;

/** Ends a job that no run holds: `pending → canceled`. */
export async function cancelPending(tx: Tx, id: string): Promise<EndedJob | null> {
  const { rows } = await tx.query<EndedJob>(
    `with gone as (
       delete from unfinished_jobs where id = $1 and ${unindexed("status")} = 'pending'
       returning *, 'canceled' as to_status, null::text as to_result, 'canceled' as to_code,
         'before it ran' as to_message, now() as requested_at
     ), ${KEEP_ENDS}`,
    [id],
  );
  return rows[0] ?? null;
}

/** The end of a run, and so of its job. */
export interface RunEnd {
  id: string;
  run: number;
  status: "completed" | "failed" | "canceled";
  /** JSON text. */
  result: string | null;
  errorCode: string | null;
  errorMessage: string | null;
}

const RUN_ENDS = rowsAs<RunEnd>("t", {
  // the first parameter: jobs are locked by it
  ending_id: ["uuid", (end) => end.id],
  ending_run: ["int", (end) => end.run],
  to_status: ["text", (end) => end.status],
  to_result: ["text", (end) => end.result],
  to_code: ["text", (end) => end.errorCode],
  to_message: ["text", (end) => end.errorMessage],
});

/** Ends runs, fenced by run: `running → completed | failed | canceled`. Skips lost claims. */
export async function endRuns(tx: Tx, endings: readonly RunEnd[]): Promise<EndedJob[]> {
  const { rows } = await tx.query<EndedJob>({
    name: "end_runs",
    text: `with ending as (
        select * from ${RUN_ENDS.sql}
      ), held as (
        select id from unfinished_jobs where id = any($1::uuid[]) order by id for update
      ), gone as (
        delete from unfinished_jobs u using ending join held on held.id = ending_id
        where u.id = any(array[ending_id]) and u.run = ending_run
          and ${unindexed("u.status")} = 'running'
        returning u.*, ending.*, u.cancel_requested_at as requested_at
      ), ${KEEP_ENDS}`,
    values: RUN_ENDS.values(endings),
  });
  return rows;
}
