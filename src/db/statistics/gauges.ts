import type { DeadReason } from "../../core/model.ts";
import {
  HELD_ON_PURPOSE,
  LANE_DUE,
  laneDueFrom,
  LANES,
  waitingLanes,
} from "../deliveries/lane-due.ts";
import type { Reader, Tx } from "../transaction.ts";

/** The most that a gauge counts. */
export const GAUGES_CAPPED_AT = 100_000;

export interface DatabaseGauges {
  jobs_pending: number;
  jobs_running: number;
  /** Null: no job is due. */
  oldest_job_s: number | null;
  deliveries_pending: number;
  /** Due, and not held on purpose. */
  deliveries_due: number;
  deliveries_held: Record<"paused" | "breaker_open", number>;
  oldest_delivery_s: number | null;
  /** Without those of endpoints that are disabled or deleted: nobody waits for them. */
  dead_letters: Partial<Record<DeadReason, number>>;
  /** Failing lanes with something pending. */
  lanes_failing: number;
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

const PENDING = `jobs_pending as materialized (
       ${upToCap("next_run_at", "unfinished_jobs where status = 'pending'")}),
     deliveries_pending as materialized (
       ${upToCap("lane_id, next_attempt_at", "deliveries where status = 'pending'")}),
     ${waitingLanes("'00000000-0000-0000-0000-000000000000'")}`;

/** The number of lanes that are looked at one by one, however much is pending in each. */
const LANES_LOOKED_AT = 1_000;

/** The ages of the oldest due job and lane, by `PENDING`. */
const OLDEST = `(select ${ageOf("next_run_at")} from jobs_pending) as oldest_job_s,
       (select ${ageOf("due")} from (
          select ${laneDueFrom("p.earliest")} as due from (
            select lane_id, min(next_attempt_at) as earliest from deliveries_pending group by 1) p
          join ${LANES} on l.id = p.lane_id
          union all
          select ${LANE_DUE} from (
            select id from waiting where id is not null limit ${LANES_LOOKED_AT}) w
          join ${LANES} on l.id = w.id) lane) as oldest_delivery_s`;

/** Seconds for which the oldest due job and lane of all accounts have waited; null: none is due. */
export async function findOldestDue(
  reader: Reader,
): Promise<Pick<DatabaseGauges, "oldest_job_s" | "oldest_delivery_s">> {
  const { rows } = await reader.query<Pick<DatabaseGauges, "oldest_job_s" | "oldest_delivery_s">>(
    `with recursive ${PENDING} select ${OLDEST}`,
  );
  return rows[0]!;
}

/** The gauges over all accounts. Every count reads an index of its rows, up to a cap. */
export async function readGauges(reader: Reader): Promise<DatabaseGauges> {
  const { rows } = await reader.query<DatabaseGauges>(
    `with recursive ${PENDING},
     held as materialized (
       select d.lane_id, d.next_attempt_at, lane.* from deliveries_pending d cross join lateral (
         select ${HELD_ON_PURPOSE} as held from ${LANES} where l.id = d.lane_id) lane)
     select j.*, d.*, ${OLDEST},
       ${countOf("unfinished_jobs where status = 'running'")} as jobs_running,
       ${countsOf(
         "reason",
         `(${upToCap("reason, endpoint_id", "dead_letters where discarded_at is null")}) l
         where not exists (select from endpoints e where e.id = l.endpoint_id
           and (e.state = 'disabled' or e.deleted_at is not null))`,
       )} as dead_letters,
       ${countOf(`lanes l where breaker_until is not null and exists (
         select from deliveries d where d.lane_id = l.id and d.status = 'pending')`)} as lanes_failing,
       ${countOf("endpoints where state = 'paused' and deleted_at is null")} as endpoints_paused,
       ${countsOf(
         "t.identifier",
         // all our wake-ups have this priority, the first column of the queue's index
         `graphile_worker._private_jobs q join graphile_worker._private_tasks t on t.id = q.task_id
          where q.is_available and q.priority = 0 and q.run_at <= now()`,
       )} as queue_waiting
     from (select count(*)::int as jobs_pending from jobs_pending) j,
     (select count(*)::int as deliveries_pending,
        count(*) filter (where next_attempt_at <= now() and held is null)::int as deliveries_due,
        json_build_object('paused', count(*) filter (where held = 'paused'),
          'breaker_open', count(*) filter (where held = 'breaker_open')) as deliveries_held
      from held) d`,
  );
  return rows[0]!;
}

/** Ends statements that follow in this transaction after this time. */
export async function limitStatements(tx: Tx, ms: number): Promise<void> {
  await tx.query(`select set_config('statement_timeout', $1, true)`, [String(ms)]);
}
