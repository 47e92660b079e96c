import type { Delivery, StatusClass } from "../../core/model.ts";
import type { DeliveryOverrides } from "../../core/receivers.ts";
import { createdWithin } from "../created-within.ts";
import type { Reader, Tx } from "../transaction.ts";
import { isOf, listEventTypes, unwalked, walkAlong, walkOf } from "./delivery-walks.ts";
import type { Bind, Walk, WalkedBy } from "./delivery-walks.ts";
import { unindexed } from "../rows.ts";

export const DELIVERY_COLUMNS = `d.id, d.account_id, d.message_id, d.job_id, d.event_type, d.endpoint_id,
  e.description as endpoint_description, coalesce(e.url, d.url) as url, d.status, d.attempt_count, d.next_attempt_at, d.created_at,
  d.finished_at, l.reason as dead_reason, l.detail as dead_detail,
  l.discarded_at, l.discarded_by, l.discard_note, d.last_status_code, d.last_error_code`;

const JOINED = `left join endpoints e on e.id = d.endpoint_id
  left join dead_letters l on l.delivery_id = d.id`;
export const DELIVERY_SOURCES = `deliveries d ${JOINED}`;

export interface NewDelivery {
  id: string;
  account_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  endpoint_id: string | null;
  /** Not stored: the endpoint has it. */
  endpoint_description: string | null;
  lane_id: string;
  lane_position: string | null;
  url: string;
  overrides: DeliveryOverrides | null;
  body_bytes: number;
  created_at: Date;
}

/** The number of pending deliveries that one transaction changes when their endpoint changes. */
export const CHANGE_STEP = 1_000;

const CANCEL = `update deliveries set status = 'canceled', next_attempt_at = null,
    finished_at = now(), manual = false, scheduled_at = null`;

/** Cancels some of the pending deliveries of a deleted endpoint. Returns how many. */
export async function cancelPendingOfLane(tx: Tx, laneId: string): Promise<number> {
  const { rowCount } = await tx.query({
    name: "cancel_pending_of_lane",
    text: `${CANCEL}
      where id = any(array(
        select id from deliveries where lane_id = $1 and status = 'pending'
        order by next_attempt_at, id limit ${CHANGE_STEP})) and ${unindexed("status")} = 'pending'`,
    values: [laneId],
  });
  return rowCount ?? 0;
}

/** Cancels the deliveries, of these, that are still pending. Returns how many. */
export async function cancelDeliveries(tx: Tx, ids: readonly string[]): Promise<number> {
  const { rowCount } = await tx.query({
    name: "cancel_deliveries",
    text: `${CANCEL} where id = any($1::uuid[]) and ${unindexed("status")} = 'pending'`,
    values: [ids],
  });
  return rowCount ?? 0;
}

export interface DeliveryFilter extends WalkedBy {
  jobId?: string | undefined;
  messageId?: string | undefined;
  notEventTypes?: readonly string[] | undefined;
  /** Filters by the last attempt. */
  statusClasses?: readonly StatusClass[] | undefined;
  errorCodes?: readonly string[] | undefined;
  minAttempts?: number | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  before?: string | undefined;
  limit: number;
}

const between = (from: number): string =>
  `d.last_error_code is null and d.last_status_code >= ${from} and d.last_status_code < ${from + 100}`;

const STATUS_CLASS: Record<StatusClass, string> = {
  "2xx": between(200),
  "3xx": between(300),
  "4xx": between(400),
  "5xx": between(500),
  error: "d.last_error_code is not null",
};

/** Conditions on deliveries `d` of the account `$1`. Times bound created_at, half-open. */
export function conditionsOf(filter: DeliveryFilter, bind: Bind, walk: Walk = null): string[] {
  const { notEventTypes, statusClasses } = filter;
  const where = ["d.account_id = $1"];
  if (filter.jobId !== undefined) where.push(`d.job_id = ${bind(filter.jobId)}`);
  if (filter.messageId !== undefined) where.push(`d.message_id = ${bind(filter.messageId)}`);
  if (notEventTypes !== undefined) where.push(`d.event_type <> all(${bind(notEventTypes)})`);
  if (statusClasses !== undefined) {
    where.push(`(${statusClasses.map((one) => STATUS_CLASS[one]).join(" or ")})`);
  }
  if (filter.errorCodes !== undefined)
    where.push(isOf("d.last_error_code", filter.errorCodes, bind));
  if (filter.minAttempts !== undefined)
    where.push(`d.attempt_count >= ${bind(filter.minAttempts)}`);
  where.push(...createdWithin("d.created_at", "d.id", filter, bind));
  if (filter.before !== undefined) where.push(`d.id < ${bind(filter.before)}`);
  where.push(...unwalked(walk, filter, bind));
  return where;
}

/** Newest first. `before`: the last id of the page before. */
export async function listDeliveries(
  reader: Reader,
  accountId: string,
  filter: DeliveryFilter,
): Promise<Delivery[]> {
  const { notEventTypes } = filter;
  const narrow = [filter.jobId, filter.messageId, filter.statusClasses, filter.errorCodes].some(
    (one) => one !== undefined,
  );
  const walk = narrow || filter.minAttempts !== undefined ? null : walkOf(filter, notEventTypes);
  const eventTypes =
    walk === "event_type" && filter.eventTypes === undefined
      ? await listEventTypes(reader, accountId)
      : filter.eventTypes;
  const wanted = {
    ...filter,
    eventTypes: eventTypes?.filter((type) => notEventTypes?.includes(type) !== true),
  };
  const chosen = [wanted.statuses, wanted.endpointIds, wanted.eventTypes];
  if (chosen.some((one) => one?.length === 0)) return [];
  const values: unknown[] = [accountId];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const where = conditionsOf(wanted, bind, walk);
  const page = `order by d.id desc limit ${bind(filter.limit)}`;
  const source = walkAlong(walk, wanted, { where, page, bind });
  const { rows } = await reader.query<Delivery>(
    `select ${DELIVERY_COLUMNS} from ${source ?? "deliveries d"} ${JOINED}
     ${source === null ? `where ${where.join(" and ")}` : ""} ${page}`,
    values,
  );
  return rows;
}

export async function getDelivery(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<Delivery | null> {
  const { rows } = await reader.query<Delivery>({
    name: "get_delivery",
    text: `select ${DELIVERY_COLUMNS} from ${DELIVERY_SOURCES}
      where d.account_id = $1 and d.id = $2`,
    values: [accountId, id],
  });
  return rows[0] ?? null;
}
