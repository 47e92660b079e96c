import type { ListedMessage } from "../../core/model.ts";
import { createdWithin } from "../created-within.ts";
import { hasPair, type KeyedFilter } from "../search-keys.ts";
import type { Reader } from "../transaction.ts";

export interface MessageFilter {
  /** Of one of these types, or of none of them. */
  types?: { not: boolean; values: readonly string[] } | undefined;
  jobId?: string | undefined;
  /** Made for this endpoint. */
  endpointId?: string | undefined;
  /** Of these, with this pair of metadata; not together with an endpoint. */
  keyed?: KeyedFilter | undefined;
  /** Part of the body, as it is sent. */
  text?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  /** The place behind which the page begins. */
  before?: string | undefined;
  limit: number;
}

/** The most that one page looks at for what no index finds. */
const LOOKED_ROWS = 5_000;
const LOOKED_BYTES = 16_777_216;
/** The newest deliveries of a job whose messages are listed. */
const OF_JOB = 10_000;
/** The deliveries of a message that are counted. */
const COUNTED = 1_000;
/** Characters of an excerpt before the text and behind it. */
const AROUND = { before: 16, behind: 80 };

/** A message with its place in the list. */
export type PlacedMessage = ListedMessage & { at: string };

export interface MessagePage {
  rows: PlacedMessage[];
  /** The place up to which this page looked, when there is more behind it; null: see the rows. */
  lookedUntil: string | null;
}

type Bind = (value: unknown) => string;

/**
 * One page of messages, newest first. What no index finds is looked for in a bounded number of
 * messages: such a page may have few rows, or none, and yet there are more behind it.
 */
export async function listMessages(
  reader: Reader,
  accountId: string,
  filter: MessageFilter,
): Promise<MessagePage> {
  const values: unknown[] = [accountId];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { walked, passing, most } = walkOf(filter, bind);
  const excerpt =
    filter.text === undefined
      ? "null"
      : `substr(body, greatest(1, strpos(body, ${bind(filter.text)}) - ${AROUND.before}),
          ${AROUND.before + AROUND.behind} + length(${bind(filter.text)}))`;
  const { rows } = await reader.query<
    Omit<PlacedMessage, "counts"> &
      PlacedMessage["counts"] & { last: string; walked: number; looked: number }
  >(
    `with walked as materialized (${walked}),
     looked as (
       select * from (
         select *, sum(octet_length(body)) over (order by at desc) - octet_length(body) as passed
         from walked) w
       where ${filter.text === undefined ? "true" : `passed < ${LOOKED_BYTES}`}),
     page as (
       select at, id, account_id, job_id, type, metadata, request_id, created_at,
         octet_length(body) as body_bytes, ${excerpt} as excerpt
       from looked where ${passing} order by at desc limit ${bind(filter.limit)})
     select p.*, c.*, w.walked, l.looked, l.last
     from (select count(*)::int as walked from walked) w
     cross join (select count(*)::int as looked, (array_agg(at order by at))[1] as last from looked) l
     left join page p on true
     left join lateral (
       select count(*) filter (where status = 'pending')::int as pending,
         count(*) filter (where status = 'delivered')::int as delivered,
         count(*) filter (where status = 'dead')::int as dead,
         count(*) filter (where status = 'canceled')::int as canceled
       from (select status from deliveries where message_id = p.id limit ${COUNTED}) d) c on true
     order by p.at desc`,
    values,
  );
  const [first] = rows;
  if (first === undefined) return { rows: [], lookedUntil: null };
  const isMore = first.walked === most || first.looked < first.walked;
  const found = rows.filter(({ id }) => id !== null);
  return {
    rows: found.map((row) => {
      const { pending, delivered, dead, canceled } = row;
      return { ...row, counts: { pending, delivered, dead, canceled } };
    }),
    lookedUntil: isMore && found.length < filter.limit ? first.last : null,
  };
}

/** The messages that are walked along an index, at most so many, and what is left to be asked of each. */
function walkOf(
  filter: MessageFilter,
  bind: Bind,
): { walked: string; passing: string; most: number } {
  const { types, jobId, endpointId, keyed, text, before, limit } = filter;
  const isIndexed =
    types === undefined || (!types.not && jobId === undefined && endpointId === undefined);
  const passing: string[] = [];
  if (types !== undefined && !isIndexed) {
    passing.push(`${types.not ? "not " : ""}(type = any(${bind(types.values)}::text[]))`);
  }
  if (keyed !== undefined) passing.push(hasPair("metadata", keyed, bind));
  if (text !== undefined) passing.push(`strpos(body, ${bind(text)}) > 0`);
  const most = passing.length === 0 ? limit : LOOKED_ROWS;
  const place = before === undefined ? null : bind(before);
  const count = bind(most);
  const range = (table: string): string[] => [
    `${table}.account_id = $1`,
    ...createdWithin(`${table}.created_at`, `${table}.id`, filter, bind),
    ...(place === null ? [] : [`${table}.id < ${place}`]),
    ...(keyed === undefined ? [] : [`${table}.id = any(${bind(keyed.ids)}::uuid[])`]),
  ];
  const walk = (conditions: string[]): string =>
    `select m.id as at, m.* from messages m
     where ${[...range("m"), ...conditions].join(" and ")} order by m.id desc limit ${count}`;
  const done = (walked: string) => ({ walked, passing: passing.join(" and ") || "true", most });
  if (endpointId !== undefined) {
    const ofJob = jobId === undefined ? [] : [`d.job_id = ${bind(jobId)}`];
    const where = [...range("d"), `d.endpoint_id = ${bind(endpointId)}`, ...ofJob];
    return done(
      `select d.id as at, m.* from (
         select d.id, d.message_id from deliveries d
         where ${where.join(" and ")} order by d.id desc limit ${count}) d
       cross join lateral (select * from messages where id = d.message_id offset 0) m`,
    );
  }
  if (jobId !== undefined) {
    return done(
      walk([
        `m.id = any(array(select distinct message_id from (
           select message_id from deliveries where job_id = ${bind(jobId)} and account_id = $1
           order by id desc limit ${OF_JOB}) d))`,
      ]),
    );
  }
  if (types === undefined || types.not) return done(walk([]));
  const each = types.values.map((type) => `(${walk([`m.type = ${bind(type)}`])})`);
  return done(`select * from (${each.join(" union all ")}) m order by at desc limit ${count}`);
}
