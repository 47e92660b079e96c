import { MAX_TYPES, type DeliveryStatus } from "../../core/model.ts";
import type { Reader } from "../transaction.ts";

export type Bind = (value: unknown) => string;

/** Filters of which each has an index in order of age, for one value at a time. */
export interface WalkedBy {
  statuses?: readonly DeliveryStatus[] | undefined;
  endpointIds?: readonly string[] | undefined;
  eventTypes?: readonly string[] | undefined;
}

/** The column whose values are walked one by one. Null: one index serves all that is asked. */
export type Walk = "status" | "endpoint_id" | "event_type" | null;

const isSeveral = (values: readonly unknown[] | undefined): boolean =>
  values !== undefined && values.length !== 1;

/** The filter that leaves fewest rows, if it has several values. */
export function walkOf(
  { statuses, endpointIds, eventTypes }: WalkedBy,
  notEventTypes: readonly string[] | undefined,
): Walk {
  if (endpointIds !== undefined) return isSeveral(endpointIds) ? "endpoint_id" : null;
  // most are delivered
  if (statuses?.includes("delivered") === false) return isSeveral(statuses) ? "status" : null;
  if (eventTypes !== undefined) return isSeveral(eventTypes) ? "event_type" : null;
  if (notEventTypes !== undefined) return "event_type";
  return isSeveral(statuses) ? "status" : null;
}

interface Walked {
  where: string[];
  page: string;
  bind: Bind;
}

const listsOf = ({ statuses, endpointIds, eventTypes }: WalkedBy) => ({
  status: statuses,
  endpoint_id: endpointIds,
  event_type: eventTypes,
});

/** Conditions on the columns that aren't walked. */
export function unwalked(walk: Walk, filter: WalkedBy, bind: Bind): string[] {
  return Object.entries(listsOf(filter)).flatMap(([column, values]) =>
    column === walk || values === undefined ? [] : [isOf(`d.${column}`, values, bind)],
  );
}

/**
 * A page of deliveries as a source `d`: for each value of the walked column one look along its
 * index, the newest of all. Null: the conditions do.
 */
export function walkAlong(
  walk: Walk,
  filter: WalkedBy,
  { where, page, bind }: Walked,
): string | null {
  if (walk === null) return null;
  const values: readonly string[] = listsOf(filter)[walk]!;
  // so many types that a walk of all rows passes over few
  if (values.length > MAX_WALKS) return null;
  const each = [...new Set(values)].map(
    (value) =>
      `(select d.* from deliveries d
        where ${[...where, `d.${walk} = ${bind(value)}`].join(" and ")} ${page})`,
  );
  return `(select d.* from (${each.join(" union all ")}) d ${page}) d`;
}

export function isOf(column: string, values: readonly unknown[], bind: Bind): string {
  return values.length === 1
    ? `${column} = ${bind(values[0])}`
    : `${column} = any(${bind(values)})`;
}

/** The most values of which each is walked for itself: a plan with more takes long to make. */
const MAX_WALKS = 50;

/**
 * The types of an account's deliveries, by name; one more than `MAX_TYPES` at most. Each is one step
 * along an index, however many deliveries it has; `job.completed`, which the index has not, is
 * always among them.
 */
export async function listEventTypes(reader: Reader, accountId: string): Promise<string[]> {
  const next = (after: string): string => `(
    select event_type from deliveries
    where account_id = $1 and event_type <> 'job.completed' ${after}
    order by event_type limit 1)`;
  const { rows } = await reader.query<{ type: string }>(
    `with recursive found(type) as (
       select ${next("")}
       union all
       select ${next("and event_type > found.type")} from found where found.type is not null)
     select type from (select type from found where type is not null limit ${MAX_TYPES}) others
     union all select 'job.completed' order by type`,
    [accountId],
  );
  return rows.map(({ type }) => type);
}
