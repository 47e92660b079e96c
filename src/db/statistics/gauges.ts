import type { DeadReason } from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";

/** The most that a gauge counts. */
export const GAUGES_CAPPED_AT = 100_000;

export interface DatabaseGauges {
  jobs_pending: number;
  jobs_running: number;
  /** Null: no job is due. */
  oldest_job_s: number | null;
  deliveries_pending: number;
  deliveries_due: number;
  oldest_delivery_s: number | null;
  /** Without those of endpoints that are disabled or deleted: nobody waits for them. */
  dead_letters: Partial<Record<DeadReason, number>>;
  lanes_broken: number;
  endpoints_paused: number;
  /** Counts of wake-ups that are due, by task. */
  queue_waiting: Record<string, number>;
}

function upToCap(columns: string, rows: string): string {
  return `select ${columns} from ${rows} limit ${GAUGES_CAPPED_AT}`;
}

function countOf(rows: string): string {
  return `(select count(*)::int from (${upToCap("", rows)}) counted)`;
}

/** SQL of counts by key; null when there are no rows. */
function countsOf(key: string, rows: string): string {
  return `(select coalesce(json_object_agg(key, count), '{}') from (
    select key, count(*)::int as count from (${upToCap(`${key} as key`, rows)}) counted
    group by key) groups)`;
}

const ageOf = (at: string): string =>
  `extract(epoch from now() - min(${at}) filter (where ${at} <= now()))::float8`;

/** The gauges over all accounts. Every count reads an index of its rows, up to a cap. */
export async function readGauges(reader: Reader): Promise<DatabaseGauges> {
  const { rows } = await reader.query<DatabaseGauges>(
    `with jobs_pending as materialized (
       ${upToCap("next_run_at", "unfinished_jobs where status = 'pending'")}),
     deliveries_pending as materialized (
       ${upToCap("next_attempt_at", "deliveries where status = 'pending'")})
     select j.*, d.*,
       ${countOf("unfinished_jobs where status = 'running'")} as jobs_running,
       ${countsOf(
         "reason",
         `(${upToCap("reason, endpoint_id", "dead_letters where discarded_at is null")}) l
        where not exists (select from endpoints e where e.id = l.endpoint_id
          and (e.state = 'disabled' or e.deleted_at is not null))`,
       )} as dead_letters,
       ${countOf("lanes where breaker_until > now()")} as lanes_broken,
       ${countOf("endpoints where state = 'paused' and deleted_at is null")} as endpoints_paused,
       ${countsOf(
         "t.identifier",
         // all our wake-ups have this priority, the first column of the queue's index
         `graphile_worker._private_jobs q join graphile_worker._private_tasks t on t.id = q.task_id
          where q.is_available and q.priority = 0 and q.run_at <= now()`,
       )} as queue_waiting
     from (select count(*)::int as jobs_pending, ${ageOf("next_run_at")} as oldest_job_s
       from jobs_pending) j,
     (select count(*)::int as deliveries_pending,
        count(*) filter (where next_attempt_at <= now())::int as deliveries_due,
        ${ageOf("next_attempt_at")} as oldest_delivery_s
      from deliveries_pending) d`,
  );
  return rows[0]!;
}

/** Ends statements that follow in this transaction after this time. */
export async function limitStatements(tx: Tx, ms: number): Promise<void> {
  await tx.query(`select set_config('statement_timeout', $1, true)`, [String(ms)]);
}
