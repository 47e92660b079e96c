import { CAPPED_AT } from "../../core/capped-count.ts";
import type { EndpointStatus } from "../../core/endpoint.ts";
import { MAX_UNPAGED } from "../../core/model.ts";
import { ENDPOINT_STATUS, LANE_DUE, LANES, NEXT_IN_LANE } from "../deliveries/lane-due.ts";
import type { Reader } from "../transaction.ts";

/** A subquery of the number of rows, up to one more than is shown. */
function cappedCount(rows: string): string {
  return `(select count(*)::int from (select from ${rows} limit ${CAPPED_AT + 1}) capped)`;
}

/** A subquery of the time since which the longest due of these lanes waits. */
function oldestDue(lanes: string): string {
  return `(select min(due) from (select ${LANE_DUE} as due from ${LANES} where ${lanes}) lane
    where due <= now())`;
}

/**
 * A subquery of the number of dead letters that somebody may want to send again: not those of
 * endpoints that are disabled or deleted. Each receiver is counted along an index, up to the cap.
 */
const OPEN_DEAD_LETTERS = `(select coalesce(sum(${cappedCount(
  `dead_letters l where l.account_id = $1 and l.discarded_at is null
     and l.endpoint_id = e.id`,
)}), 0)::int + ${cappedCount(
  `dead_letters l where l.account_id = $1 and l.discarded_at is null and l.endpoint_id is null`,
)} from endpoints e where e.account_id = $1 and e.deleted_at is null and e.state <> 'disabled')`;

export interface Overview {
  jobs_pending: number;
  jobs_running: number;
  deliveries_pending: number;
  oldest_due_at: Date | null;
  dead_letters: number;
}

/** Capped counts of an account; see `toCapped`. */
export async function getOverview(reader: Reader, accountId: string): Promise<Overview> {
  const { rows } = await reader.query<Overview>(
    // the lanes of few deliveries, or else all lanes
    `with pending as materialized (
       select lane_id from deliveries where account_id = $1 and status = 'pending'
       limit ${CAPPED_AT + 1})
     select
       ${cappedCount("unfinished_jobs where account_id = $1 and status = 'pending'")} as jobs_pending,
       ${cappedCount("unfinished_jobs where account_id = $1 and status = 'running'")} as jobs_running,
       (select count(*)::int from pending) as deliveries_pending,
       ${OPEN_DEAD_LETTERS} as dead_letters,
       case when (select count(*) from pending) <= ${CAPPED_AT} then
         ${oldestDue("l.id = any(array(select distinct lane_id from pending))")}
       else ${oldestDue("l.account_id = $1")} end as oldest_due_at`,
    [accountId],
  );
  return rows[0]!;
}

/** Lanes, except those of deleted endpoints. */
const LIVING_LANES = `${LANES}
  where l.account_id = $1 and e.deleted_at is null`;

export async function countLanes(
  reader: Reader,
  accountId: string,
): Promise<{ total: number; failing: number; paused: number; disabled: number }> {
  const { rows } = await reader.query<{
    total: number;
    failing: number;
    paused: number;
    disabled: number;
  }>(
    `select count(*)::int as total,
       count(*) filter (where status = 'failing' and exists (
         select from deliveries d where d.lane_id = s.id and d.status = 'pending'))::int as failing,
       count(*) filter (where status = 'paused')::int as paused,
       count(*) filter (where status = 'disabled')::int as disabled
     from (select l.id, ${ENDPOINT_STATUS} as status from ${LIVING_LANES}) s`,
    [accountId],
  );
  return rows[0]!;
}

export interface LaneView {
  id: string;
  endpoint_id: string | null;
  origin: string | null;
  endpoint_description: string | null;
  url: string | null;
  ordered: boolean;
  status: EndpointStatus;
  reason: string | null;
  until: Date | null;
  pending: number;
  oldest_due_at: Date | null;
}

/** The lanes of an account, newest first. */
export async function listLanes(
  reader: Reader,
  accountId: string,
  page: { status?: EndpointStatus | undefined; before?: string | undefined; limit: number },
): Promise<LaneView[]> {
  const { rows } = await reader.query<LaneView>(
    `with page as (
       select l.id, l.endpoint_id, l.origin, e.description, e.url, l.ordered,
         ${ENDPOINT_STATUS} as status,
         e.disabled_reason, l.breaker_reason, l.breaker_until, ${NEXT_IN_LANE} as next
       from ${LIVING_LANES} and ($2::text is null or ${ENDPOINT_STATUS} = $2)
         and ($3::uuid is null or l.id < $3)
       order by l.id desc limit $4)
     select id, endpoint_id, origin, description as endpoint_description, url, ordered, status,
       case status when 'disabled' then disabled_reason when 'failing' then breaker_reason end
         as reason,
       case status when 'failing' then breaker_until end as until,
       ${cappedCount("deliveries d where d.lane_id = page.id and d.status = 'pending'")} as pending,
       case when next <= now() then next end as oldest_due_at
     from page order by id desc`,
    [accountId, page.status ?? null, page.before ?? null, page.limit],
  );
  return rows;
}

export interface WorkerView {
  id: string;
  hostname: string;
  pid: number;
  version: string;
  roles: string[];
  state: "alive" | "silent";
  heartbeat_at: Date;
  started_at: Date;
  running_jobs: number;
  leased_lanes: number;
}

/** The workers on this database, whichever account they work for, oldest first. */
export async function listWorkers(reader: Reader): Promise<WorkerView[]> {
  const { rows } = await reader.query<WorkerView>(
    `select id, hostname, pid, version, roles, ${WORKER_STATE} as state, heartbeat_at, started_at,
       (select count(*)::int from unfinished_jobs j
        where j.worker_id = w.id and j.status = 'running') as running_jobs,
       coalesce(held.lanes, 0) as leased_lanes
     from workers w left join (
       select leased_by, count(*)::int as lanes from lanes where leased_by is not null group by 1
     ) held on held.leased_by = w.id
     order by id limit ${MAX_UNPAGED}`,
  );
  return rows;
}

/** The state of a worker, which beats twice a second. */
const WORKER_STATE = `case when heartbeat_at > now() - interval '3 seconds'
  then 'alive' else 'silent' end`;

export interface WorkerCounts {
  alive: number;
  silent: number;
  /** The number of live workers, by role. */
  compute: number;
  deliver: number;
}

/** Counts of all workers, whichever account they work for: whether work can be done. */
export async function countWorkers(reader: Reader): Promise<WorkerCounts> {
  const { rows } = await reader.query<WorkerCounts>(
    `select count(*) filter (where alive)::int as alive,
       count(*) filter (where not alive)::int as silent,
       count(*) filter (where alive and 'compute' = any(roles))::int as compute,
       count(*) filter (where alive and 'deliver' = any(roles))::int as deliver
     from (select roles, ${WORKER_STATE} = 'alive' as alive from workers) w`,
  );
  return rows[0]!;
}
