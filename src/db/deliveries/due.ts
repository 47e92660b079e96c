import type { EndpointState } from "../../core/endpoint.ts";
import type { DeliveryOverrides } from "../../core/receivers.ts";
import { arrayText } from "../rows.ts";
import type { Reader, Tx } from "../transaction.ts";
import { LANES, NEXT_IN_LANE } from "./lane-due.ts";

/** A delivery that is due, with all data needed to send it. */
export interface DueDelivery {
  id: string;
  account_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  url: string;
  overrides: DeliveryOverrides | null;
  body_bytes: number;
  attempt_count: number;
  free_attempts: number;
  /** The time from which its age is counted. */
  budget_from: Date;
  /** The end of its age, if its callback sets a limit of its own. */
  give_up_at: Date | null;
  manual: boolean;
  /** A manual attempt beside a schedule that goes on. */
  beside: boolean;
  created_at: Date;
  body: string;
  request_id: string;
  trace_id: string;
}

const DUE_COLUMNS = `d.id, d.account_id, d.message_id, d.job_id, d.event_type, d.endpoint_id,
  d.url, d.overrides, d.body_bytes, d.attempt_count, d.free_attempts,
  coalesce(d.budget_from, d.next_attempt_at) as budget_from, d.give_up_at, d.manual, d.scheduled_at is not null as beside,
  d.created_at, m.body, m.request_id, m.trace_id`;

/** A read of one lane, as its holder asks for it. */
export interface DueWanted {
  laneId: string;
  /** Deliveries already in hand. */
  except: readonly string[];
  rows: number;
  /** The most bytes of bodies, not counting the last delivery; with 0 nothing is read. */
  bytes: number;
}

const DUE = "lane_id = t.lane_id and status = 'pending' and next_attempt_at <= now()";
const NOT_IN_HAND = "id not in (select unnest($4::uuid[]))";

/** The longest due of these deliveries, as many as are wanted, ranked. */
function longestDue(deliveries: string): string {
  return `select *, sum(body_bytes) over (order by next_attempt_at, id) as bytes_so_far,
        row_number() over (order by next_attempt_at, id) as rank
      from (${deliveries} order by next_attempt_at, id limit t.rows) due`;
}

/** Deliveries that are due in some lanes, the longest due first; answers in the order of `wanted`. */
export async function readDue(
  reader: Reader,
  wanted: readonly DueWanted[],
): Promise<DueDelivery[][]> {
  return await readLanes(
    reader,
    wanted,
    "read_due",
    longestDue(`select * from deliveries where ${DUE} and ${NOT_IN_HAND}`),
  );
}

/** How many of the last that became due are looked through for new ones. */
const NEWEST_LOOK = 500;

/** Deliveries that are due, of those that became so last, without replayed ones; the longest due first. */
export async function readNewest(
  reader: Reader,
  wanted: readonly DueWanted[],
): Promise<DueDelivery[][]> {
  return await readLanes(
    reader,
    wanted,
    "read_newest",
    longestDue(`select * from (
          select * from deliveries where ${DUE}
          order by next_attempt_at desc, id desc limit ${NEWEST_LOOK}) newest
        where not manual and ${NOT_IN_HAND}`),
  );
}

/** The oldest deliveries of ordered lanes, up to the first that is not due. */
export async function readDueInOrder(
  reader: Reader,
  wanted: readonly DueWanted[],
): Promise<DueDelivery[][]> {
  return await readLanes(
    reader,
    wanted,
    "read_due_in_order",
    `select * from (
        select *, sum(body_bytes) over w as bytes_so_far, row_number() over w as rank,
          bool_and(next_attempt_at <= now()) over w as all_due
        from (
          select * from deliveries
          where lane_id = t.lane_id and status = 'pending' and lane_position is not null
            and ${NOT_IN_HAND}
          order by lane_position, id limit t.rows) head
        window w as (order by lane_position, id)) ranked
      where all_due`,
  );
}

async function readLanes(
  reader: Reader,
  wanted: readonly DueWanted[],
  name: string,
  oneLane: string,
): Promise<DueDelivery[][]> {
  const { rows } = await reader.query<DueDelivery & { ord: number }>({
    name,
    text: `select t.ord::int, ${DUE_COLUMNS}
      from unnest($1::uuid[], $2::int[], $3::int[]) with ordinality as t(lane_id, rows, bytes, ord)
      cross join lateral (${oneLane}) d
      cross join lateral (
        -- a look-up by the key, however many rows the planner expects
        select body, request_id, trace_id from messages where id = d.message_id offset 0) m
      where d.bytes_so_far - d.body_bytes < t.bytes
      order by t.ord, d.rank`,
    values: [
      arrayText(wanted, (one) => one.laneId),
      arrayText(wanted, (one) => one.rows),
      arrayText(wanted, (one) => one.bytes),
      arrayText(
        wanted.flatMap((one) => one.except),
        (id) => id,
      ),
    ],
  });
  const answers = wanted.map((): DueDelivery[] => []);
  for (const row of rows) answers[row.ord - 1]!.push(row);
  return answers;
}

/** The lanes, of these, with deliveries that are pending, due or not. */
export async function findLanesWithPending(
  reader: Reader,
  laneIds: readonly string[],
): Promise<Set<string>> {
  const { rows } = await reader.query<{ id: string }>({
    name: "find_lanes_with_pending",
    text: `select t.id from unnest($1::uuid[]) as t(id)
      cross join lateral (
        select from deliveries where lane_id = t.id and status = 'pending'
        order by next_attempt_at limit 1) pending`,
    values: [laneIds],
  });
  return new Set(rows.map(({ id }) => id));
}

/** The facts that decide when a lane is pumped next. */
export interface LaneOutlook {
  endpoint_state: EndpointState | null;
  endpoint_deleted: boolean;
  rate_limit_per_s: number | null;
  /** Deliveries that were pending when order was switched on may lack a position, and so be unseen. */
  ordering: boolean;
  /** Milliseconds until a delivery is due, negative when overdue; null: none is pending. */
  due_ms: number | null;
}

/** Lanes as they are now, by id; their holders' copies may be out of date. */
export async function readOutlooks(
  tx: Tx,
  laneIds: readonly string[],
): Promise<Map<string, LaneOutlook>> {
  const { rows } = await tx.query<LaneOutlook & { id: string }>({
    name: "read_outlooks",
    text: `select l.id, e.state as endpoint_state, e.deleted_at is not null as endpoint_deleted,
        e.rate_limit_per_s, l.ordering_xid is not null as ordering,
        (extract(epoch from ${NEXT_IN_LANE} - clock_timestamp()) * 1000)::float8 as due_ms
      from ${LANES} where l.id = any($1::uuid[])`,
    values: [laneIds],
  });
  return new Map(rows.map(({ id, ...outlook }) => [id, outlook]));
}
