/** Columns of `jobs`: what never changes of a job. */
const FIXED = [
  "id",
  "account_id",
  "type",
  "input",
  "metadata",
  "callbacks",
  "timeout_s",
  "request_id",
  "retry_of",
  "created_at",
];

/** Columns that `unfinished_jobs` and `job_ends` both have: how far a job is, or was at its end. */
const STATE = [
  "status",
  "run",
  "progress_fraction",
  "progress_message",
  "progress_data",
  "progress_at",
  "run_started_at",
  "cancel_requested_at",
  "started_at",
];

const END = ["error_code", "error_message", "finished_at"];

const of = (table: string, columns: readonly string[]): string[] =>
  columns.map((column) => `${table}.${column}`);

/** The columns of a `Job`, from the view `job_states`. */
export const JOB_COLUMNS = [...FIXED, ...STATE, ...END, "updated_at"].join(", ");

/** The columns of a `Job` in `jobs` as `j` that has not ended: a row `u` of `unfinished_jobs`. */
export const UNFINISHED_COLUMNS = [
  ...of("j", FIXED),
  ...of("u", STATE),
  "null::text as error_code, null::text as error_message, null::timestamptz as finished_at",
  "u.updated_at",
].join(", ");

/** The columns of a `Job` in `jobs` as `j` that has ended: a row `e` of `job_ends`. */
export const ENDED_COLUMNS = [
  ...of("j", FIXED),
  ...of("e", [...STATE, ...END]),
  "e.finished_at as updated_at",
].join(", ");

/** The columns of a `Job` in `jobs` as `j`, of rows `u` or `e` beside it. */
export const ANY_COLUMNS = [
  ...of("j", FIXED),
  ...STATE.map((column) => `coalesce(u.${column}, e.${column}) as ${column}`),
  ...of("e", END),
  "coalesce(u.updated_at, e.finished_at) as updated_at",
].join(", ");

/** The columns of `job_ends` that `ENDED_COLUMNS` needs. */
export const END_COLUMNS = ["id", ...STATE, ...END].join(", ");

/**
 * A row of a table by the id of another, for a join. Whatever a plan was made for, rows are looked
 * up by id, one by one.
 */
export function rowById(table: "jobs" | "unfinished_jobs" | "job_ends", id: string): string {
  return `lateral (select * from ${table} where id = ${id} offset 0)`;
}
