import { MAX_FAILURES, MAX_UNPAGED } from "../../core/model.ts";
import { emits } from "../activity/emits.ts";
import { NUDGE_FOR_JOBS } from "../queue/wake.ts";
import { rowsAs } from "../rows.ts";
import type { Reader, Tx } from "../transaction.ts";
import { rowById } from "./columns.ts";

/** A job to be made in place of one that failed. */
export interface NewRetry {
  id: string;
  retry_of: string;
  request_id: string;
}

/** A job that was made so. */
export interface MadeRetry {
  id: string;
  account_id: string;
  type: string;
  request_id: string;
  retry_of: string;
}

const RETRIES = rowsAs<NewRetry>("t", {
  id: "uuid",
  retry_of: "uuid",
  request_id: "text",
});

/**
 * Locks the ends of jobs until the transaction ends, in order: of two transactions that want to
 * retry a job, the later one sees what the earlier has made.
 */
export async function lockEnds(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.query("select from job_ends where id = any($1::uuid[]) order by id for update", [ids]);
}

/**
 * Makes jobs with the input, metadata and callbacks of others whose ends the caller has locked, and
 * announces them; not where there is one already. Returns those made.
 */
export async function insertRetries(tx: Tx, retries: readonly NewRetry[]): Promise<MadeRetry[]> {
  const { rows } = await tx.query<{ made: MadeRetry[] }>({
    name: "insert_retries",
    text: `with made as (
      insert into jobs (id, account_id, type, input, metadata, callbacks, timeout_s, max_runs,
        request_id, trace_id, retry_of)
      select t.id, j.account_id, j.type, j.input, j.metadata, j.callbacks, j.timeout_s, j.max_runs,
        t.request_id, j.trace_id, j.id
      from ${RETRIES.sql} cross join ${rowById("jobs", "t.retry_of")} j
      where not exists (select from jobs r where r.retry_of = j.id)
      returning id, account_id, type, request_id, retry_of, created_at
      ), pending as (
        insert into unfinished_jobs (id, account_id, status, next_run_at, updated_at)
        select id, account_id, 'pending', now(), created_at from made
      ), emitted as (${emits("made", {
        type: "job.accepted",
        about: { job_id: "id" },
        data: "json_build_object('job_type', type, 'retry_of', retry_of)",
      })})
      select ${NUDGE_FOR_JOBS} as nudged,
        coalesce((select json_agg(to_json(made)) from made),
          '[]') as made`,
    values: RETRIES.values(retries),
  });
  return rows[0]!.made;
}

/** The job made in place of another; null: there is none. */
export async function findRetryOf(reader: Reader, jobId: string): Promise<string | null> {
  const { rows } = await reader.query<{ id: string }>(
    "select id from jobs where retry_of = $1 limit 1",
    [jobId],
  );
  return rows[0]?.id ?? null;
}

export interface FailedJobGroup {
  type: string;
  error_code: string;
  count: number;
  first_at: Date;
  last_at: Date;
  /** Of the last one. */
  error_message: string | null;
  last_job_id: string;
}

/**
 * Failed jobs that were not retried, counted by type and error among the newest ones; those with
 * the newest first. `looked`: how many were looked at.
 */
export async function listFailedJobGroups(
  reader: Reader,
  accountId: string,
): Promise<{ looked: number; groups: FailedJobGroup[] }> {
  const { rows } = await reader.query<FailedJobGroup & { looked: number }>(
    `with looked as (
       select id, error_code, finished_at from job_ends
       where account_id = $1 and status = 'failed' and status <> 'completed'
       order by id desc limit ${MAX_FAILURES}
     ), failed as (
       select l.*, j.type from looked l cross join ${rowById("jobs", "l.id")} j
       where not exists (select from jobs r where r.retry_of = l.id)
     ), grouped as (
       select type, error_code, count(*)::int as count, min(finished_at) as first_at,
         max(finished_at) as last_at, (array_agg(id order by id desc))[1] as last_job_id
       from failed group by type, error_code order by last_at desc limit ${MAX_UNPAGED}
     )
     select g.*, e.error_message, (select count(*)::int from looked) as looked
     from (select 1) one left join grouped g on true
     left join ${rowById("job_ends", "g.last_job_id")} e on true
     order by g.last_at desc`,
    [accountId],
  );
  const looked = rows[0]?.looked ?? 0;
  return { looked, groups: rows.filter(({ count }) => count > 0) };
}
