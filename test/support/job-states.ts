import type pg from "pg";

/**
 * Lets tests insert into `job_states`: a job, and the row of how far it is. The view stays as it is
 * for those who read it.
 */
export async function letInsertJobs(pool: Pick<pg.Pool, "query">): Promise<void> {
  await pool.query(`
    create function insert_job_state() returns trigger language plpgsql as $$
    begin
      insert into jobs (id, account_id, type, input, metadata, callbacks, timeout_s, max_runs,
        request_id, trace_id, retry_of, created_at)
      values (new.id, new.account_id, new.type, new.input, new.metadata, new.callbacks,
        new.timeout_s, new.max_runs, new.request_id, new.trace_id, new.retry_of,
        coalesce(new.created_at, now()));
      if new.finished_at is null then
        insert into unfinished_jobs (id, account_id, status, run, failures, crashes, next_run_at,
          worker_id, run_started_at, started_at, updated_at)
        values (new.id, new.account_id, new.status, coalesce(new.run, 0), coalesce(new.failures, 0),
          coalesce(new.crashes, 0), new.next_run_at, new.worker_id, new.run_started_at,
          new.started_at, coalesce(new.updated_at, now()));
      else
        insert into job_ends (id, account_id, status, run, failures, crashes, progress_fraction,
          run_started_at, started_at, result, error_code, error_message, finished_at)
        values (new.id, new.account_id, new.status, coalesce(new.run, 0), coalesce(new.failures, 0),
          coalesce(new.crashes, 0), coalesce(new.progress_fraction, 0), new.run_started_at,
          new.started_at, new.result, new.error_code, new.error_message, new.finished_at);
      end if;
      return new;
    end $$;
    create trigger insert_job_state instead of insert on job_states
      for each row execute function insert_job_state()`);
}

/** Jobs that don't have exactly one row of how far they are, and such rows without a job. */
export const BROKEN_STATES = `
  select coalesce(j.id, u.id, e.id) as id
  from jobs j full join unfinished_jobs u on u.id = j.id
    full join job_ends e on e.id = coalesce(j.id, u.id)
  where j.id is null or (u.id is null) = (e.id is null)`;

/** A statement that deletes all pending jobs. */
export const DELETE_PENDING_JOBS = `
  with gone as (delete from unfinished_jobs where status = 'pending' returning id)
  delete from jobs where id in (select id from gone)`;
