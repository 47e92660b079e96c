import { MAX_LISTED_IDS } from "../../core/model.ts";
import type {
  Replay,
  ReplayCanary,
  ReplayDestination,
  ReplayFilter,
  ReplayOrder,
  ReplayPace,
} from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";

const REPLAY_COLUMNS = `id, account_id, action, target, note, key_id, filter, dry_run,
  newest_first, pace_per_s, pace_ramp_s, start_at, destination, canary_count, canary_max_failed_percent,
  canary_passed_at, status, stopped_reason, matched, matched_exact, left_out, replayed, created_at,
  finished_at`;

interface ReplayRow extends Omit<Replay, "filter" | "order" | "pace" | "canary"> {
  filter: Omit<ReplayFilter, "since" | "until"> & { since?: string; until?: string };
  newest_first: boolean;
  pace_per_s: number | null;
  pace_ramp_s: number | null;
  canary_count: number | null;
  canary_max_failed_percent: number | null;
}

/** A replay as it is ordered. */
export interface NewReplay {
  id: string;
  account_id: string;
  action: Replay["action"];
  target: Replay["target"];
  note: string | null;
  key_id: string | null;
  filter: ReplayFilter;
  dry_run: boolean;
  order: ReplayOrder;
  pace: ReplayPace | null;
  start_at: Date | null;
  destination: ReplayDestination | null;
  canary: ReplayCanary | null;
  matched: number;
  matched_exact: boolean;
  left_out: Replay["left_out"];
}

export async function insertReplay(tx: Tx, replay: NewReplay): Promise<Replay> {
  const { rows } = await tx.query<ReplayRow>(
    `insert into replays (id, account_id, filter, dry_run, matched, status, finished_at, action,
       note, key_id, matched_exact, target, newest_first, pace_per_s, pace_ramp_s, start_at,
       next_step_at, canary_count, canary_max_failed_percent, left_out, destination)
     values ($1, $2, $3, $4, $5, $6, case when $6 = 'running' then null else now() end, $7, $8, $9,
       $10, $11, $12, $13, $14, $15, $15, $16, $17, $18, $19)
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
      replay.target,
      replay.order === "newest_first",
      replay.pace?.per_s ?? null,
      replay.pace?.ramp_s ?? null,
      replay.start_at,
      replay.canary?.count ?? null,
      replay.canary?.max_failed_percent ?? null,
      JSON.stringify(replay.left_out),
      replay.destination === null ? null : JSON.stringify(replay.destination),
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

/** A replay as its next step needs it. */
export interface LockedReplay extends Replay {
  position: string | null;
  /** Milliseconds until its next step. */
  wait_ms: number;
  /** Milliseconds since its pace began to rise. */
  ramp_ms: number;
}

/** Locks a replay until the transaction ends: one process at a time makes its steps. */
export async function lockReplay(tx: Tx, id: string): Promise<LockedReplay | null> {
  const { rows } = await tx.query<ReplayRow & Omit<LockedReplay, keyof Replay>>(
    `select ${REPLAY_COLUMNS}, position, ${msUntil("next_step_at")} as wait_ms,
       -${msUntil("ramp_since")} as ramp_ms
     from replays where id = $1 for update`,
    [id],
  );
  const row = rows[0];
  if (row === undefined) return null;
  const { position, wait_ms, ramp_ms } = row;
  return { ...toReplay(row), position, wait_ms, ramp_ms };
}

function msUntil(column: string): string {
  return `coalesce((extract(epoch from ${column} - clock_timestamp()) * 1000)::float8, 0)`;
}

/** What a step has done, and how the replay goes on. */
export interface ReplayStep {
  position: string | null;
  replayed: number;
  finished: boolean;
  /** From the last step's time on; a step that comes late is not made up for. */
  nextMs: number;
  canaryPassed?: boolean;
  stoppedReason?: string | undefined;
}

/** A step may come so much late without its successors being put off. */
const LATE_MS = 250;

export async function advanceReplay(tx: Tx, id: string, step: ReplayStep): Promise<Replay | null> {
  const { rows } = await tx.query<ReplayRow>(
    `update replays set position = coalesce($2, position), replayed = replayed + $3,
       status = case when $7::text is not null then 'stopped' when $4 then 'completed'
         else status end,
       stopped_reason = $7,
       finished_at = case when $4 or $7 is not null then now() end,
       matched = case when not matched_exact and ($4 or replayed + $3 > matched)
         then replayed + $3 else matched end,
       matched_exact = matched_exact or $4,
       ramp_since = coalesce(ramp_since, clock_timestamp()),
       canary_passed_at = case when $6 then coalesce(canary_passed_at, now())
         else canary_passed_at end,
       next_step_at = case when $5::float8 > 0 then
         greatest(next_step_at, clock_timestamp() - ${LATE_MS} * interval '1 millisecond')
           + $5::float8 * interval '1 millisecond' else next_step_at end
     where id = $1 and status = 'running' returning ${REPLAY_COLUMNS}`,
    [
      id,
      step.position,
      step.replayed,
      step.finished,
      step.nextMs,
      step.canaryPassed ?? false,
      step.stoppedReason ?? null,
    ],
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
     where account_id = $1 and id = $2 and status in ('running', 'paused')
     returning ${REPLAY_COLUMNS}`,
    [accountId, id],
  );
  return rows[0] === undefined ? null : toReplay(rows[0]);
}

/** Pauses or resumes a replay that has not ended; null: there is none. Its pace rises anew. */
export async function setReplayPaused(
  tx: Tx,
  accountId: string,
  id: string,
  paused: boolean,
): Promise<{ replay: Replay; waitMs: number } | null> {
  const { rows } = await tx.query<ReplayRow & { wait_ms: number }>(
    `update replays set status = $3,
       ramp_since = case when status = $3 then ramp_since end
     where account_id = $1 and id = $2 and status in ('running', 'paused')
     returning ${REPLAY_COLUMNS}, ${msUntil("next_step_at")} as wait_ms`,
    [accountId, id, paused ? "paused" : "running"],
  );
  const row = rows[0];
  return row === undefined ? null : { replay: toReplay(row), waitMs: Math.max(0, row.wait_ms) };
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
  const { since, until, ...filter } = row.filter;
  const { pace_per_s, pace_ramp_s, canary_count, canary_max_failed_percent } = row;
  return {
    id: row.id,
    account_id: row.account_id,
    action: row.action,
    target: row.target,
    note: row.note,
    key_id: row.key_id,
    filter: {
      ...filter,
      ...(since === undefined ? {} : { since: new Date(since) }),
      ...(until === undefined ? {} : { until: new Date(until) }),
    },
    dry_run: row.dry_run,
    order: row.newest_first ? "newest_first" : "oldest_first",
    pace: pace_per_s === null ? null : { per_s: pace_per_s, ramp_s: pace_ramp_s ?? 0 },
    start_at: row.start_at,
    destination: row.destination,
    canary:
      canary_count === null
        ? null
        : { count: canary_count, max_failed_percent: canary_max_failed_percent ?? 0 },
    canary_passed_at: row.canary_passed_at,
    status: row.status,
    stopped_reason: row.stopped_reason,
    matched: row.matched,
    matched_exact: row.matched_exact,
    left_out: row.left_out,
    replayed: row.replayed,
    created_at: row.created_at,
    finished_at: row.finished_at,
  };
}
