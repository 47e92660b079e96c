import type { LeftOut, Replay, ReplayDestination, StatusClass } from "../../core/model.ts";
import { idsWithin } from "../created-within.ts";
import { rowById } from "../jobs/columns.ts";
import { planEachTime } from "../transaction.ts";
import type { Tx } from "../transaction.ts";
import type { LockedReplay } from "./replays.ts";

/** The number of deliveries that one statement examines. */
const LOOK = 5_000;
/** How many the statement looks at that counts before anything is done. */
const COUNT_LOOK = 100_000;
/** Endpoints that are named with what they leave out. */
const NAMED = 20;

type Wanted = Pick<Replay, "account_id" | "action" | "target" | "filter" | "destination">;

/** SQL of what a replay looks at, of the conditions on it, and their values. */
interface Search {
  /** Rows `c`, bounded by an index, whatever else the filter says. */
  candidates: string;
  /** Rows `c` with what the conditions need. */
  joined: (candidates: string) => string;
  fits: string;
  /** Why one that fits can't be sent; null: it can. */
  leftOut: string;
  endpoint: string;
  endedAt: string;
  lane: string;
  values: unknown[];
  bind: (value: unknown) => string;
}

const between = (from: number): string =>
  `c.last_error_code is null and c.last_status_code >= ${from} and c.last_status_code < ${from + 100}`;

const IN_CLASS: Record<StatusClass, string> = {
  "2xx": between(200),
  "3xx": between(300),
  "4xx": between(400),
  "5xx": between(500),
  error: "c.last_error_code is not null",
};

function searchOf(wanted: Wanted): Search {
  return wanted.target === "jobs" ? jobSearch(wanted) : deliverySearch(wanted);
}

// A replay to a receiver that is gone or disabled would only die again. A discarded dead letter is
// sent again by its id only.
function deliverySearch({ account_id, action, filter, destination }: Wanted): Search {
  const { values, bind, candidates } = begin("deliveries", account_id, filter);
  if (filter.job_id !== undefined) candidates.push(`c.job_id = ${bind(filter.job_id)}`);
  const fits: string[] = [];
  if (filter.reason !== undefined) fits.push(`l.reason = ${bind(filter.reason)}`);
  if (filter.endpoint_id === null) fits.push("c.endpoint_id is null");
  else if (filter.endpoint_id !== undefined)
    fits.push(`c.endpoint_id = ${bind(filter.endpoint_id)}`);
  if (filter.event_type !== undefined) fits.push(`c.event_type = ${bind(filter.event_type)}`);
  if (filter.status_class !== undefined)
    fits.push(`(${filter.status_class.map((one) => IN_CLASS[one]).join(" or ")})`);
  if (filter.status_code !== undefined)
    fits.push(
      `c.last_error_code is null and c.last_status_code = any(${bind(filter.status_code)}::int[])`,
    );
  if (filter.error_code !== undefined)
    fits.push(`c.last_error_code = any(${bind(filter.error_code)}::text[])`);
  fits.push(...createdWithin(filter, "c.created_at", bind));
  if (destination !== null) fits.push(`not exists (${atDestination(destination, bind)})`);
  if (action !== "replay" || filter.ids === undefined) fits.push("l.discarded_at is null");
  return {
    candidates: `select c.* from deliveries c where ${candidates.join(" and ")}`,
    joined: (rows) => `(${rows}) c left join dead_letters l on l.delivery_id = c.id
      left join endpoints e on e.id = c.endpoint_id`,
    fits: allOf(fits),
    leftOut:
      action === "replay" && destination === null
        ? `case when c.endpoint_id is null then null
             when e.id is null or e.deleted_at is not null then 'endpoint_deleted'
             when e.state = 'disabled' then 'endpoint_disabled' end`
        : "null::text",
    endpoint: "c.endpoint_id",
    endedAt: "coalesce(c.finished_at, c.created_at)",
    lane: "c.lane_id",
    values,
    bind,
  };
}

/** A delivery of the same message to a destination: there is one, so no other is made. */
function atDestination(destination: ReplayDestination, bind: Search["bind"]): string {
  const there = `select from deliveries o where o.message_id = c.message_id`;
  return "url" in destination
    ? `${there} and o.endpoint_id is null and o.url = ${bind(destination.url)}`
    : `${there} and o.endpoint_id = ${bind(destination.endpoint_id)}`;
}

/** Failed jobs that no other has been made in place of. */
function jobSearch({ account_id, filter }: Wanted): Search {
  const { values, bind, candidates } = begin("job_ends", account_id, filter);
  const fits = [`not exists (select from jobs r where r.retry_of = c.id)`];
  if (filter.error_code !== undefined)
    fits.push(`c.error_code = any(${bind(filter.error_code)}::text[])`);
  if (filter.type !== undefined) fits.push(`j.type = ${bind(filter.type)}`);
  fits.push(...createdWithin(filter, "j.created_at", bind));
  return {
    candidates: `select c.id, c.error_code, c.finished_at from job_ends c
      where ${candidates.join(" and ")}`,
    joined: (rows) => `(${rows}) c cross join ${rowById("jobs", "c.id")} j`,
    fits: allOf(fits),
    leftOut: "null::text",
    endpoint: "null::uuid",
    endedAt: "c.finished_at",
    lane: "null::uuid",
    values,
    bind,
  };
}

function begin(table: string, accountId: string, filter: Replay["filter"]) {
  const values: unknown[] = [];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const candidates = [`c.account_id = ${bind(accountId)}`, `c.status = ${bind(filter.status)}`];
  // a partial index of the ends is used
  if (table === "job_ends") candidates.push("c.status <> 'completed'");
  const { from, to } = idsWithin(filter);
  if (filter.ids !== undefined) candidates.push(`c.id = any(${bind(filter.ids)}::uuid[])`);
  if (from !== null) candidates.push(`c.id >= ${bind(from)}`);
  if (to !== null) candidates.push(`c.id < ${bind(to)}`);
  return { values, bind, candidates };
}

function createdWithin(
  { since, until }: Replay["filter"],
  column: string,
  bind: Search["bind"],
): string[] {
  return [
    ...(since === undefined ? [] : [`${column} >= ${bind(since)}`]),
    ...(until === undefined ? [] : [`${column} < ${bind(until)}`]),
  ];
}

function allOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? "true" : conditions.map((one) => `(${one})`).join(" and ");
}

export interface ReplayCount {
  matched: number;
  /** Whether there are no more to examine. */
  exact: boolean;
  left_out: LeftOut[];
}

/** Counts matches among the first candidates, and what fits the filter but can't be sent. */
export async function countReplayMatches(tx: Tx, wanted: Wanted): Promise<ReplayCount> {
  await planEachTime(tx);
  const { candidates, joined, fits, leftOut, endpoint, values } = searchOf(wanted);
  const { rows } = await tx.query<{
    reason: LeftOut["reason"] | null;
    endpoint_id: string | null;
    count: number;
    looked: number;
  }>(
    `select reason, case when reason is not null then endpoint_id end as endpoint_id,
       (count(*) filter (where fits))::int as count, count(*)::int as looked
     from (select ${fits} as fits, ${leftOut} as reason, ${endpoint} as endpoint_id
       from ${joined(`${candidates} order by c.id limit ${COUNT_LOOK}`)}) looked
     group by 1, 2 order by count desc`,
    values,
  );
  const looked = rows.reduce((sum, row) => sum + row.looked, 0);
  const matched = rows.find(({ reason }) => reason === null)?.count ?? 0;
  return { matched, exact: looked < COUNT_LOOK, left_out: leftOutOf(rows) };
}

/** The largest by endpoint, the others together. */
function leftOutOf(
  rows: readonly (Omit<LeftOut, "reason"> & { reason: LeftOut["reason"] | null })[],
) {
  const all = rows.flatMap(({ reason, endpoint_id, count }): LeftOut[] =>
    reason === null || count === 0 ? [] : [{ reason, endpoint_id, count }],
  );
  const others = Object.entries(Object.groupBy(all.slice(NAMED), ({ reason }) => reason));
  return [
    ...all.slice(0, NAMED),
    ...others.map(([reason, ones]): LeftOut => {
      const count = ones.reduce((sum, one) => sum + one.count, 0);
      return { reason: reason as LeftOut["reason"], endpoint_id: null, count };
    }),
  ];
}

export interface ReplayMatches {
  matches: { id: string; lane_id: string }[];
  /** The last one examined; null: none was left. */
  position: string | null;
  finished: boolean;
}

/**
 * The next matches beyond the replay's position, in order of id. A delivery that this replay
 * reopened and that ended again has ended after the replay began, so it does not match twice.
 */
export async function findReplayMatches(
  tx: Tx,
  replay: LockedReplay,
  limit: number,
): Promise<ReplayMatches> {
  await planEachTime(tx);
  const { candidates, joined, fits, leftOut, endedAt, lane, values, bind } = searchOf(replay);
  const [beyond, direction] = replay.order === "newest_first" ? ["<", "desc"] : [">", "asc"];
  const after = replay.position === null ? "" : `and c.id ${beyond} ${bind(replay.position)}`;
  const { rows } = await tx.query<{ id: string; lane_id: string; matches: boolean }>(
    `select c.id, ${lane} as lane_id,
       ${fits} and ${leftOut} is null and ${endedAt} <= ${bind(replay.created_at)} as matches
     from ${joined(`${candidates} ${after} order by c.id ${direction} limit ${LOOK}`)}
     order by c.id ${direction}`,
    values,
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
