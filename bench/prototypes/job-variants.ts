import { EMIT_ENDED, insertJobs, JOB_COLUMNS } from "../../src/db/jobs/jobs.ts";
import { claimRuns, endRuns } from "../../src/db/jobs/runs.ts";
import type { RunEnd } from "../../src/db/jobs/runs.ts";
import { rowsAs, unindexed } from "../../src/db/rows.ts";
import type { Tx } from "../../src/db/transaction.ts";
import { withText } from "./beside.ts";
import type { Claim, JobVariant } from "./job-lives.ts";

const LISTED = JOB_COLUMNS.replace(/\binput\b/, "octet_length(input) as input_bytes");

const TODAY: JobVariant = {
  name: "ja",
  schema: "",
  fillfactor: 60,
  tables: ["jobs"],
  submit: insertJobs,
  claim: async (tx, workerId, limit) => (await claimRuns(tx, workerId, limit)).jobs,
  end: async (tx, endings) => (await endRuns(tx, endings)).length,
  lists: {
    account: `select ${LISTED} from jobs where account_id = $1 order by id desc limit 50`,
  },
};

const RUN_ENDS = rowsAs<RunEnd>("t", {
  ending_id: ["uuid", (end) => end.id],
  ending_run: ["int", (end) => end.run],
  to_status: ["text", (end) => end.status],
  to_result: ["text", (end) => end.result],
  to_code: ["text", (end) => end.errorCode],
  to_message: ["text", (end) => end.errorMessage],
});

const QUEUE = `with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000, autovacuum_analyze_scale_factor = 1)`;
const QUEUE_INDEXES = `create index unfinished_jobs_pending on unfinished_jobs
    (account_id, next_run_at) where status = 'pending';
  create index unfinished_jobs_running on unfinished_jobs (worker_id) where status = 'running';
  create index unfinished_jobs_account on unfinished_jobs (account_id, id desc);
  drop index jobs_pending; drop index jobs_running;`;

const inQueue = (text: string): string =>
  text.replaceAll(/(?<!graphile_worker\.)(?<!')\bjobs\b(?!')/g, "unfinished_jobs");

/** Whole rows wait in a small table, and move to their week at the end. */
const MOVED: JobVariant = {
  name: "jb-moved",
  schema: `create table unfinished_jobs (like jobs including defaults including constraints,
    primary key (id)) ${QUEUE}; ${QUEUE_INDEXES}`,
  fillfactor: 100,
  tables: ["jobs", "unfinished_jobs"],
  submit: async (tx, jobs) =>
    await insertJobs(
      withText(tx, (text) => text.replace("insert into jobs", "insert into unfinished_jobs")),
      jobs,
    ),
  claim: async (tx, workerId, limit) =>
    (await claimRuns(withText(tx, inQueue), workerId, limit)).jobs,
  async end(tx, endings) {
    const columns = `id, account_id, type, input, metadata, callbacks, timeout_s, max_runs,
      request_id, trace_id, created_at, run, failures, crashes, run_started_at,
      cancel_requested_at, progress_message, progress_data, progress_at, started_at`;
    const { rows } = await tx.query({
      name: "proto_end",
      text: `with ending as (select * from ${RUN_ENDS.sql}
        ), gone as (
          delete from unfinished_jobs u using ending
          where u.id = any(array[ending_id]) and u.run = ending_run
            and ${unindexed("u.status")} = 'running'
          returning u.*, ending.*
        ), ended as (
          insert into jobs (${columns}, status, result, error_code, error_message, finished_at,
            updated_at, progress_fraction)
          select ${columns}, to_status, to_result, to_code, to_message, now(), now(),
            case when to_status = 'completed' then 1 else progress_fraction end from gone
          returning ${JOB_COLUMNS}, trace_id
        ), emitted as (${EMIT_ENDED}) select * from ended`,
      values: RUN_ENDS.values(endings),
    });
    return rows.length;
  },
  lists: {
    account: `select * from (select ${LISTED} from jobs where account_id = $1
        union all select ${LISTED} from unfinished_jobs where account_id = $1) j
      order by id desc limit 50`,
  },
};

const SMALL = `create table unfinished_jobs (
    id uuid primary key, account_id uuid not null, type text not null, status text not null,
    run integer not null default 0, failures integer not null default 0,
    crashes integer not null default 0, max_runs integer not null, next_run_at timestamptz,
    worker_id uuid, run_started_at timestamptz, cancel_requested_at timestamptz,
    progress_fraction double precision not null default 0, progress_message text,
    progress_data text, progress_at timestamptz, started_at timestamptz,
    updated_at timestamptz not null default now()
  ) ${QUEUE}; ${QUEUE_INDEXES} drop index jobs_account_status;`;

/** Submits into `jobs` and into the small table. */
async function submitBoth(tx: Tx, jobs: Parameters<JobVariant["submit"]>[1]): Promise<void> {
  await insertJobs(
    withText(tx, (text) =>
      text
        .replace("returning id, account_id, type", "returning id, account_id, type, max_runs")
        .replace(
          "), emitted as",
          `), waiting as (insert into unfinished_jobs (id, account_id, type, status, max_runs,
             next_run_at) select id, account_id, type, 'pending', max_runs, now() from made
           ), emitted as`,
        ),
    ),
    jobs,
  );
}

/** Claims in the small table, with what never changes from `jobs`. */
async function claimSmall(tx: Tx, workerId: string, limit: number): Promise<Claim[]> {
  const fixed = "input, metadata, callbacks, timeout_s, request_id, trace_id, created_at";
  const change = (text: string): string =>
    inQueue(text)
      .replace(
        `returning ${JOB_COLUMNS}, max_runs, failures, crashes, trace_id`,
        `returning id, account_id, type, status, run, failures, crashes, max_runs,
          run_started_at, started_at`,
      )
      .replace("claimed.*,", "claimed.*, fixed.*,")
      .replace(
        "wanted using (account_id))",
        `wanted using (account_id) cross join lateral (
          select ${fixed} from jobs where id = claimed.id offset 0) fixed)`,
      );
  return (await claimRuns(withText(tx, change), workerId, limit)).jobs;
}

/** The row in `jobs` gets its outcome by one update, of no column that an index has. */
const HOT: JobVariant = {
  name: "jb-hot",
  // checks between status and other columns would be worded anew
  schema: `${SMALL} do $$ declare one name; begin
    for one in select conname from pg_constraint where conrelid = 'jobs'::regclass
      and contype = 'c' and conname ~ '^jobs_check' loop
      execute format('alter table jobs drop constraint %I', one); end loop; end $$;`,
  fillfactor: 60,
  tables: ["jobs", "unfinished_jobs"],
  submit: submitBoth,
  claim: claimSmall,
  async end(tx, endings) {
    const { rows } = await tx.query({
      name: "proto_end",
      text: `with ending as (select * from ${RUN_ENDS.sql}
        ), gone as (
          delete from unfinished_jobs u using ending
          where u.id = any(array[ending_id]) and u.run = ending_run
            and ${unindexed("u.status")} = 'running'
          returning u.id as gone_id, u.run as gone_run, u.started_at as gone_started,
            u.run_started_at as gone_run_started, u.progress_fraction as gone_fraction, ending.*
        ), ended as (
          update jobs set status = to_status, result = to_result, error_code = to_code,
            error_message = to_message, finished_at = now(), updated_at = now(), run = gone_run,
            started_at = gone_started, run_started_at = gone_run_started, next_run_at = null,
            progress_fraction = case when to_status = 'completed' then 1 else gone_fraction end
          from gone where jobs.id = gone_id
          returning ${JOB_COLUMNS.replace(/\bid\b/, "jobs.id")}, trace_id
        ), emitted as (${EMIT_ENDED}) select * from ended`,
      values: RUN_ENDS.values(endings),
    });
    return rows.length;
  },
  lists: {
    account: `select j.*, u.status as now_status, u.run as now_run, u.progress_fraction as now_fraction
      from (select ${LISTED} from jobs where account_id = $1 order by id desc limit 50) j
      left join unfinished_jobs u on u.id = j.id order by j.id desc`,
  },
};

/** `jobs` is never changed; its outcome is a row of its own, in a week too. */
const ENDS: JobVariant = {
  ...HOT,
  name: "jb-ends",
  schema: `${HOT.schema}
    create table job_ends (id uuid primary key, status text not null, run integer not null,
      failures integer not null, crashes integer not null, run_started_at timestamptz,
      cancel_requested_at timestamptz, progress_fraction double precision not null,
      progress_message text, progress_data text, progress_at timestamptz, result text,
      error_code text, error_message text, started_at timestamptz,
      finished_at timestamptz not null) partition by range (id);
    create table job_ends_all partition of job_ends default;`,
  fillfactor: 100,
  tables: ["jobs", "unfinished_jobs", "job_ends"],
  async end(tx, endings) {
    const columns = `id, run, failures, crashes, run_started_at, cancel_requested_at,
      progress_message, progress_data, progress_at, started_at`;
    const { rows } = await tx.query({
      name: "proto_end",
      text: `with ending as (select * from ${RUN_ENDS.sql}
        ), gone as (
          delete from unfinished_jobs u using ending
          where u.id = any(array[ending_id]) and u.run = ending_run
            and ${unindexed("u.status")} = 'running'
          returning u.*, ending.*
        ), kept as (
          insert into job_ends (${columns}, status, result, error_code, error_message,
            progress_fraction, finished_at)
          select ${columns}, to_status, to_result, to_code, to_message,
            case when to_status = 'completed' then 1 else progress_fraction end, now() from gone
        ), ended as (
          select j.input, j.metadata, j.callbacks, j.timeout_s, j.request_id, j.created_at,
            j.trace_id, g.id, g.account_id, g.type, g.run, g.started_at, g.run_started_at,
            to_status as status, to_code as error_code, to_message as error_message,
            now() as finished_at
          from gone g cross join lateral (select * from jobs where id = g.id offset 0) j
        ), emitted as (${EMIT_ENDED}) select * from ended`,
      values: RUN_ENDS.values(endings),
    });
    return rows.length;
  },
  lists: {
    account: `select j.*, coalesce(n.status, u.status) as now_status,
        coalesce(n.run, u.run) as now_run, n.finished_at as now_finished, n.error_code as code
      from (select ${LISTED} from jobs where account_id = $1 order by id desc limit 50) j
      left join unfinished_jobs u on u.id = j.id
      left join lateral (select status, run, finished_at, error_code from job_ends
        where id = j.id offset 0) n on true
      order by j.id desc`,
  },
};

export const JOB_VARIANTS: readonly JobVariant[] = [TODAY, MOVED, HOT, ENDS];
