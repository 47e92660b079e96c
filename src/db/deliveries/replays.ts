import { MAX_LISTED_IDS } from "../../core/model.ts";
import type { Replay, ReplayFilter } from "../../core/model.ts";
import { idsWithin } from "../created-within.ts";
import { planEachTime } from "../transaction.ts";
import type { Reader, Tx } from "../transaction.ts";

const REPLAY_COLUMNS = `id, account_id, action, note, key_id, filter, dry_run, status, matched, matched_exact, replayed, created_at, finished_at`;

interface ReplayRow extends Omit<Replay, "filter"> {
  filter: Omit<ReplayFilter, "since" | "until"> & { since?: string; until?: string };
}

export async function insertReplay(
  tx: Tx,
  replay: Omit<Replay, "status" | "replayed" | "created_at" | "finished_at">,
): Promise<Replay> {
  const { rows } = await tx.query<ReplayRow>(
    `insert into replays (id, account_id, filter, dry_run, matched, status, finished_at, action,
       note, key_id, matched_exact)
     values ($1, $2, $3, $4, $5, $6, case when $6 = 'running' then null else now() end, $7, $8, $9,
       $10)
     returning ${REPLAY_COLUMNS}`,
    [
      replay.id,
      replay.account_id,
      JSON.stringify(replay.filter),
      replay.dry_run,
      replay.matched,
      replay.dry_run || (replay.matched === 0 && replay.matched_exact) ? "completed" : "running",
      replay.action,
      replay.note,
      replay.key_id,
      replay.matched_exact,
    ],
  );
  return toReplay(rows[0]!);
}

/**
 * Waits in line for a replay. Its steps follow each other at once, so a wait for its row, which
 * each step writes anew, might last for all of them.
 */
export async function queueForReplay(tx: Tx, id: string): Promise<void> {
  await tx.query({
    name: "queue_for_replay",
    text: `select pg_advisory_xact_lock(hashtextextended('ringback replay ' || $1, 0))`,
    values: [id],
  });
}

export async function lockReplay(
  tx: Tx,
  id: string,
): Promise<(Replay & { position: string | null }) | null> {
  const { rows } = await tx.query<ReplayRow & { position: string | null }>(
    `select ${REPLAY_COLUMNS}, position from replays where id = $1 for update`,
    [id],
  );
  const row = rows[0];
  return row === undefined ? null : { ...toReplay(row), position: row.position };
}

export async function advanceReplay(
  tx: Tx,
  id: string,
  step: { position: string | null; replayed: number; finished: boolean },
): Promise<Replay | null> {
  const { rows } = await tx.query<ReplayRow>(
    `update replays set position = coalesce($2, position), replayed = replayed + $3,
       status = case when $4 then 'completed' else status end,
       finished_at = case when $4 then now() end,
       matched = case when not matched_exact and ($4 or replayed + $3 > matched)
         then replayed + $3 else matched end,
       matched_exact = matched_exact or $4
     where id = $1 and status = 'running' returning ${REPLAY_COLUMNS}`,
    [id, step.position, step.replayed, step.finished],
  );
  return rows[0] === undefined ? null : toReplay(rows[0]);
}

export async function cancelRunningReplay(
  tx: Tx,
  accountId: string,
  id: string,
): Promise<Replay | null> {
  const { rows } = await tx.query<ReplayRow>(
    `update replays set status = 'canceled', finished_at = now()
     where account_id = $1 and id = $2 and status = 'running' returning ${REPLAY_COLUMNS}`,
    [accountId, id],
  );
  return rows[0] === undefined ? null : toReplay(rows[0]);
}

/** The number of deliveries that one statement examines. */
const LOOK = 5_000;
/** How many the statement looks at that counts before anything is done. */
const COUNT_LOOK = 100_000;

/** The deliveries that are looked at: bounded by an index, whatever else the filter says. */
const CANDIDATES = `select d.* from deliveries d
  where d.account_id = $1 and d.status = $2
    and ($3::uuid[] is null or d.id = any($3))
    and ($4::uuid is null or d.job_id = $4)
    and ($5::uuid is null or d.id >= $5)
    and ($6::uuid is null or d.id < $6)`;

// A replay to a receiver that is gone or disabled would only die again. A discarded dead letter is sent
// again by its id only.
const MATCHES = `($7::text is null or l.reason = $7)
  and ($8::uuid is null or d.endpoint_id = $8)
  and ($9::text is null or d.event_type = $9)
  and ($10::timestamptz is null or d.created_at >= $10)
  and ($11::timestamptz is null or d.created_at < $11)
  and (l.discarded_at is null or ($12 = 'replay' and $3::uuid[] is not null))
  and ($12 <> 'replay' or d.endpoint_id is null or exists (
    select 1 from endpoints e where e.id = d.endpoint_id and e.deleted_at is null
      and e.state <> 'disabled'))`;

type Order = Pick<Replay, "account_id" | "action" | "filter">;

function matchValues({ account_id, action, filter }: Order): unknown[] {
  const { from, to } = idsWithin(filter);
  return [
    account_id,
    filter.status,
    filter.ids ?? null,
    filter.job_id ?? null,
    from,
    to,
    filter.reason ?? null,
    filter.endpoint_id ?? null,
    filter.event_type ?? null,
    filter.since ?? null,
    filter.until ?? null,
    action,
  ];
}

/** Counts matches among the first deliveries; exact when there are no more to examine. */
export async function countReplayMatches(
  tx: Tx,
  order: Order,
): Promise<{ matched: number; exact: boolean }> {
  await planEachTime(tx);
  const { rows } = await tx.query<{ matched: number; looked: number }>(
    `select count(*) filter (where ${MATCHES})::int as matched, count(*)::int as looked
     from (${CANDIDATES} order by d.id limit ${COUNT_LOOK}) d
     left join dead_letters l on l.delivery_id = d.id`,
    matchValues(order),
  );
  const { matched, looked } = rows[0]!;
  return { matched, exact: looked < COUNT_LOOK };
}

export interface ReplayMatches {
  matches: { id: string; lane_id: string }[];
  /** The last delivery examined; null: none was left. */
  position: string | null;
  finished: boolean;
}

/**
 * The next matches after the replay's position, in order of id. A delivery that this replay
 * reopened and that ended again has ended after the replay began, so it does not match twice.
 */
export async function findReplayMatches(
  tx: Tx,
  replay: Replay & { position: string | null },
  limit: number,
): Promise<ReplayMatches> {
  await planEachTime(tx);
  const { rows } = await tx.query<{ id: string; lane_id: string; matches: boolean }>(
    `select d.id, d.lane_id,
       ${MATCHES} and coalesce(d.finished_at, d.created_at) <= $14 as matches
     from (${CANDIDATES} and ($13::uuid is null or d.id > $13) order by d.id limit ${LOOK}) d
     left join dead_letters l on l.delivery_id = d.id
     order by d.id`,
    [...matchValues(replay), replay.position, replay.created_at],
  );
  const found = rows.filter(({ matches }) => matches);
  const matches = found.slice(0, limit).map(({ id, lane_id }) => ({ id, lane_id }));
  const whole = found.length <= limit;
  return {
    matches,
    position: (whole ? rows : matches).at(-1)?.id ?? null,
    finished: whole && rows.length < LOOK,
  };
}

export async function getReplay(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<Replay | null> {
  const { rows } = await reader.query<ReplayRow>(
    `select ${REPLAY_COLUMNS} from replays where account_id = $1 and id = $2`,
    [accountId, id],
  );
  return rows[0] === undefined ? null : toReplay(rows[0]);
}

const LISTED_COLUMNS = REPLAY_COLUMNS.replace(
  "filter",
  `case when jsonb_array_length(filter->'ids') > ${MAX_LISTED_IDS} then filter - 'ids'
   else filter end as filter`,
);

export async function listReplays(
  reader: Reader,
  accountId: string,
  page: {
    before?: string | undefined;
    limit: number;
    /** Only those of these endpoints. */
    endpointIds?: readonly string[] | null;
  },
): Promise<Replay[]> {
  const { rows } = await reader.query<ReplayRow>(
    `select ${LISTED_COLUMNS} from replays
     where account_id = $1 and ($2::uuid is null or id < $2)
       and ($4::uuid[] is null or (filter ->> 'endpoint_id')::uuid = any($4))
     order by id desc limit $3`,
    [accountId, page.before ?? null, page.limit, page.endpointIds ?? null],
  );
  return rows.map(toReplay);
}

/** Running replays that no wake-up waits for. */
export async function findForgottenReplays(reader: Reader): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select r.id from replays r
     left join graphile_worker.jobs q on q.key = 'run-replay:' || r.id
     where r.status = 'running' and q.id is null`,
  );
  return rows.map(({ id }) => id);
}

function toReplay(row: ReplayRow): Replay {
  const { since, until, ...rest } = row.filter;
  return {
    ...row,
    filter: {
      ...rest,
      ...(since === undefined ? {} : { since: new Date(since) }),
      ...(until === undefined ? {} : { until: new Date(until) }),
    },
  };
}
