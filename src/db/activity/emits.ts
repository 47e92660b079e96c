import type { ActivityType } from "../../core/activity.ts";

/** SQL of the type of an entry; null: no entry. */
interface TypeSql {
  sql: string;
}

/** The columns that identify the subject of an entry, each with SQL for its value. */
type About = Partial<Record<"job_id" | "message_id" | "delivery_id" | "endpoint_id", string>>;

interface Emitted {
  type: ActivityType | TypeSql | readonly TypeSql[];
  about: About;
  /** SQL of a small JSON object, without bodies and secrets. */
  data: string;
  /** The source of the entry, if the written rows are not enough: `written` with joins. */
  from?: string;
  /** A further condition. */
  where?: string;
  /** The order of the entries of several rows. */
  orderBy?: string;
  /** The rows are jobs that end: clients that wait for one of them are notified too. */
  ends?: boolean;
}

/**
 * A part of a statement that records activity of the accounts that have listeners, and notifies
 * them as it commits. So the statement that writes also records, without another round trip.
 * @param written a CTE of the rows that the same statement has written
 */
export function emits(written: string, entry: Emitted): string {
  const { about, data, from = written, where, orderBy, ends = false } = entry;
  const types = Array.isArray(entry.type) ? (entry.type as readonly TypeSql[]) : null;
  const type = types === null ? typeSql(entry.type as ActivityType | TypeSql) : "emitted.type";
  const each = types?.map(({ sql }, index) => `(${index + 1}, ${sql})`).join(", ");
  const rows =
    each === undefined ? from : `${from} cross join lateral (values ${each}) as emitted(ord, type)`;
  const conditions = [
    `account_id = any ((select ${listenersOf(ends)} from ${written})::uuid[])`,
    ...(types === null ? [] : ["emitted.type is not null"]),
    ...(where === undefined ? [] : [where]),
  ];
  const order = types === null ? orderBy : "emitted.ord";
  return `insert into activity (account_id, type, ${[...Object.keys(about), "data"].join(", ")})
    select account_id, ${type}, ${[...Object.values(about), data].join(", ")} from ${rows}
    where ${conditions.join(" and ")}${order === undefined ? "" : ` order by ${order}`}`;
}

function listenersOf(ends: boolean): string {
  return ends
    ? "job_end_listeners(array_agg(account_id), array_agg(id))"
    : "activity_listeners(array_agg(account_id))";
}

function typeSql(type: ActivityType | TypeSql): string {
  return typeof type === "string" ? `'${type}'` : type.sql;
}

/** The type for rows that meet a condition; others have no entry. */
export function typeWhen(condition: string, type: ActivityType): TypeSql {
  return { sql: `case when ${condition} then '${type}' end` };
}

/** The type by the value of a column; rows with another value have no entry. */
export function typeBy(column: string, types: Readonly<Record<string, ActivityType>>): TypeSql {
  const cases = Object.entries(types).map(([value, type]) => `when '${value}' then '${type}'`);
  return { sql: `case ${column} ${cases.join(" ")} end` };
}

/** The type that a column contains. */
export function typeIn(column: string): TypeSql {
  return { sql: column };
}
