import { CAPPED_AT } from "../../core/capped-count.ts";
import type { JobWaitFacts } from "../../core/job-wait.ts";
import { unindexed } from "../rows.ts";
import type { Reader } from "../transaction.ts";

export type JobWaitRow = JobWaitFacts & {
  id: string;
  /** The account's jobs that are due before it, counted up to a cap; null: not asked for. */
  ahead: number | null;
};

/**
 * What decides why jobs wait, of those, among these ids, that are pending.
 * @param counted whether to count what is due before each as well
 */
export async function listJobWaits(
  reader: Reader,
  ids: readonly string[],
  counted: boolean,
): Promise<JobWaitRow[]> {
  const { rows } = await reader.query<JobWaitRow>({
    name: "list_job_waits",
    text: `select u.id, u.next_run_at, u.run, u.failures,
        (select coalesce(sum(threads), 0)::int from workers
         where 'compute' = any(roles) and heartbeat_at > now() - interval '10 seconds') as threads,
        (select count(*)::int from (
           select from unfinished_jobs where status = 'running' limit ${CAPPED_AT}) r) as running,
        case when $2 and u.next_run_at <= now() then (
          select count(*)::int from (
            select from unfinished_jobs
            where account_id = u.account_id and status = 'pending' and next_run_at < u.next_run_at
            order by next_run_at limit ${CAPPED_AT + 1}) before) end as ahead
      from unfinished_jobs u
      where u.id = any($1::uuid[]) and ${unindexed("u.status")} = 'pending'`,
    values: [ids, counted],
  });
  return rows;
}
