import { LANE_DUE, LANES } from "./deliveries/lane-due.ts";
import type { WakeUp } from "./queue/wake.ts";
import type { Reader, Tx } from "./transaction.ts";

/** Descriptions of the work that runs or is due. */
export async function findOutstanding(reader: Reader): Promise<string[]> {
  const { rows } = await reader.query<{ what: string }>(
    `select format('%s %s job%s', count(*), status, case when count(*) > 1 then 's' end) as what
     from unfinished_jobs where status = 'running' or status = 'pending' and next_run_at <= now()
     group by status
     union all
     select format('a lane with due deliveries') from ${LANES} where ${LANE_DUE} <= now()
     union all
     select format('a running replay') from replays
     where status = 'running' and (next_step_at is null or next_step_at <= now())
     union all
     select format('a wake-up (%s)', task_identifier) from graphile_worker.jobs
     where (locked_at is not null or run_at <= now()) and attempts < max_attempts
       and task_identifier in ('claim-jobs', 'pump-lane', 'run-replay')`,
  );
  return rows.map(({ what }) => what);
}

/** Milliseconds until a job or a lane is due; null: nothing waits. */
export async function findTimeToNext(reader: Reader): Promise<number | null> {
  const { rows } = await reader.query<{ ms: number | null }>(
    `select (extract(epoch from min(at) - now()) * 1000)::float8 as ms from (
       select next_run_at as at from unfinished_jobs where status = 'pending'
       union all
       select ${LANE_DUE} from ${LANES}
       union all
       select next_step_at from replays where status = 'running') due`,
  );
  return rows[0]!.ms;
}

/** Shares all lanes until commit, as a producer does: none comes to rest with a time of before. */
export async function shareAllLanes(tx: Tx): Promise<void> {
  await tx.query("select from lanes order by id for key share");
}

/** Brings every awaited time forward by `ms`. Times of past events stay. */
export async function shiftDueTimes(tx: Tx, ms: number): Promise<void> {
  const columns: [table: string, column: string][] = [
    ["unfinished_jobs", "next_run_at"],
    ["deliveries", "next_attempt_at"],
    ["deliveries", "scheduled_at"],
    ["deliveries", "budget_from"],
    ["deliveries", "give_up_at"],
    ["lanes", "breaker_until"],
    ["lanes", "next_send_at"],
    ["replays", "next_step_at"],
    ["replays", "start_at"],
    ["replays", "ramp_since"],
    ["idempotency_records", "expires_at"],
    ["signing_secrets", "expires_at"],
    ["signing_keys", "not_before"],
    ["signing_keys", "expires_at"],
  ];
  for (const [table, column] of columns) {
    await tx.query(
      `update ${table} set ${column} = ${column} - $1 * interval '1 millisecond'
       where ${column} is not null`,
      [ms],
    );
  }
}

/** The wake-ups that wait. Jobs have none of their own: a job wake-up is for any due job. */
export async function findWakeUps(tx: Tx): Promise<WakeUp[]> {
  const { rows } = await tx.query<WakeUp>(
    `select task_identifier as task, split_part(key, ':', 2) as id,
       (extract(epoch from run_at - now()) * 1000)::float8 as "delayMs"
     from graphile_worker.jobs
     where locked_at is null and key is not null
       and task_identifier in ('pump-lane', 'run-replay')`,
  );
  return rows;
}
