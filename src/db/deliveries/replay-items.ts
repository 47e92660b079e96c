import type { CanaryOutcomes } from "../../core/canary.ts";
import { MAX_REPORTED } from "../../core/model.ts";
import type { DeadReason, Replay } from "../../core/model.ts";
import { rowsAs } from "../rows.ts";
import type { Reader, Tx } from "../transaction.ts";

/** What a replay has sent again or made. */
export interface ReplayItem {
  id: string;
  /** The one it was made from; null: it is that itself. */
  source_id: string | null;
  attempts: number;
}

const ITEMS = rowsAs<ReplayItem>(
  "t",
  { id: "uuid", source_id: "uuid", attempts: "int" },
  { first: 2 },
);

export async function insertReplayItems(
  tx: Tx,
  replayId: string,
  items: readonly ReplayItem[],
): Promise<void> {
  if (items.length === 0) return;
  await tx.query({
    name: "insert_replay_items",
    text: `insert into replay_items (replay_id, id, source_id, attempts)
      select $1, t.id, t.source_id, t.attempts from ${ITEMS.sql}`,
    values: [replayId, ...ITEMS.values(items)],
  });
}

/** What became of an item, as SQL: its first attempt since, or its end without one. */
const DELIVERY_FAILED = `case
  when a.number is not null then case
    when a.error_code is not null then a.error_code
    when a.status_code not between 200 and 299 then 'HTTP ' || a.status_code end
  when d.status = 'dead' then l.reason end`;

/** The outcomes of the items of a canary; there are few. */
export async function readCanaryOutcomes(
  tx: Tx,
  { id, target }: Pick<Replay, "id" | "target">,
): Promise<CanaryOutcomes> {
  const text =
    target === "jobs"
      ? `select case when e.status = 'failed' then e.error_code end as failure,
           e.id is null as waiting, count(*)::int as count
         from replay_items i left join job_ends e on e.id = i.id
         where i.replay_id = $1 group by 1, 2`
      : `select ${DELIVERY_FAILED} as failure,
           a.number is null and coalesce(d.status = 'pending', false) as waiting,
           count(*)::int as count
         from replay_items i
         left join deliveries d on d.id = i.id
         left join attempts a on a.delivery_id = i.id and a.number = i.attempts + 1
         left join dead_letters l on l.delivery_id = i.id
         where i.replay_id = $1 group by 1, 2`;
  const { rows } = await tx.query<{ failure: string | null; waiting: boolean; count: number }>(
    text,
    [id],
  );
  const total = (some: typeof rows): number => some.reduce((sum, { count }) => sum + count, 0);
  return {
    sent: total(rows),
    waiting: total(rows.filter(({ waiting }) => waiting)),
    failures: new Map(
      rows.flatMap(({ failure, count }) => (failure === null ? [] : [[failure, count] as const])),
    ),
  };
}

export interface ReportLine {
  /** `removed`: by retention. */
  status: string;
  reason: DeadReason | null;
  /** How the last attempt ended, or the error of a job. */
  status_code: number | null;
  error_code: string | null;
  count: number;
}

const STATE: Record<Replay["target"], { sql: string; from: string }> = {
  deliveries: {
    sql: `coalesce(d.status, 'removed') as status, l.reason,
      case when d.status in ('dead', 'pending') and d.last_error_code is null
        and d.attempt_count > i.attempts then d.last_status_code end as status_code,
      case when d.status in ('dead', 'pending') and d.attempt_count > i.attempts
        then d.last_error_code end as error_code`,
    from: `left join deliveries d on d.id = i.id
      left join dead_letters l on l.delivery_id = i.id`,
  },
  jobs: {
    sql: `coalesce(e.status, u.status, 'removed') as status, null::text as reason,
      null::int as status_code, e.error_code`,
    from: `left join job_ends e on e.id = i.id left join unfinished_jobs u on u.id = i.id`,
  },
};

/** How the items of a replay stand, counted by state and cause, the most first. */
export async function countReplayItems(
  reader: Reader,
  { id, target }: Pick<Replay, "id" | "target">,
): Promise<ReportLine[]> {
  const { sql, from } = STATE[target];
  const { rows } = await reader.query<ReportLine>(
    `select ${sql}, count(*)::int as count
     from (select * from replay_items where replay_id = $1 order by id limit ${MAX_REPORTED}) i
     ${from} group by 1, 2, 3, 4 order by count desc limit 200`,
    [id],
  );
  return rows;
}

export interface ReportedItem extends Omit<ReportLine, "count"> {
  id: string;
  source_id: string | null;
  endpoint_id: string | null;
  url: string | null;
  event_type: string | null;
  finished_at: Date | null;
}

const SHOWN: Record<Replay["target"], string> = {
  deliveries: "d.endpoint_id, d.url, d.event_type, d.finished_at",
  jobs: "null::uuid as endpoint_id, null::text as url, null::text as event_type, e.finished_at",
};

/** The items of a replay as they stand, in order of id, after one of them. */
export async function listReplayItems(
  reader: Reader,
  { id, target }: Pick<Replay, "id" | "target">,
  page: { after: string | null; limit: number },
): Promise<ReportedItem[]> {
  const { sql, from } = STATE[target];
  const { rows } = await reader.query<ReportedItem>(
    `select i.id, i.source_id, ${sql}, ${SHOWN[target]}
     from (select * from replay_items where replay_id = $1 and ($2::uuid is null or id > $2)
       order by id limit $3) i
     ${from} order by i.id`,
    [id, page.after, page.limit],
  );
  return rows;
}

/** Deletes items of replays made before a time, given as the first id after it. Returns how many. */
export async function deleteOldReplayItems(
  tx: Tx,
  beforeId: string,
  limit: number,
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from replay_items where (replay_id, id) in (
       select replay_id, id from replay_items where replay_id < $1
       order by replay_id, id limit $2)`,
    [beforeId, limit],
  );
  return rowCount ?? 0;
}
