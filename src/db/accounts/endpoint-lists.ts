import type { Endpoint, EndpointSort, EndpointStatus } from "../../core/endpoint.ts";
import { CAPPED_AT } from "../../core/capped-count.ts";
import { ENDPOINT_STATUS } from "../deliveries/lane-due.ts";
import type { Reader } from "../transaction.ts";
import { ENDPOINT_COLUMNS, ENDPOINT_SOURCES } from "./endpoints.ts";

export interface EndpointFilter {
  sort?: EndpointSort;
  status?: EndpointStatus | undefined;
  /** These alone; null: all. */
  ids?: readonly string[] | null;
  /** A part of the description or the URL, in whatever case. */
  text?: string | undefined;
  before?: string | undefined;
  limit: number;
}

const NAME = "lower(coalesce(nullif(e.description, ''), e.url))";

/** What is ordered by, ascending, before the id. */
const KEYS: Record<Exclude<EndpointSort, "created">, string[]> = {
  name: [NAME],
  worst: [
    `case ${ENDPOINT_STATUS} when 'failing' then 0 when 'disabled' then 1 when 'paused' then 2
      else 4 - least(l.breaker_failures, 1) end`,
    "-coalesce(pending.count, 0)",
    "-coalesce(dead.count, 0)",
    NAME,
  ],
};

/** For `worst`: the counts by endpoint, among so many of the account's at most. */
const COUNTS = `pending as (
    select lane_id, count(*)::int as count from (
      select lane_id from deliveries where account_id = $1 and status = 'pending'
      limit ${CAPPED_AT}) counted group by lane_id
  ), dead as (
    select endpoint_id, count(*)::int as count from (
      select endpoint_id from dead_letters where account_id = $1 and discarded_at is null
      order by delivery_id desc limit ${CAPPED_AT}) counted group by endpoint_id
  ),`;
const JOIN_COUNTS = `left join pending on pending.lane_id = e.lane_id
  left join dead on dead.endpoint_id = e.id`;

/** A page of an account's endpoints; those with a status or with a text are found among all of them. */
export async function listEndpoints(
  reader: Reader,
  accountId: string,
  { sort = "created", status, ids = null, text, before, limit }: EndpointFilter,
): Promise<Endpoint[]> {
  const values: unknown[] = [accountId];
  const bind = (value: unknown): string => `$${values.push(value)}`;
  const where = ["e.account_id = $1"];
  if (status !== undefined) where.push(`${ENDPOINT_STATUS} = ${bind(status)}`);
  if (ids !== null) where.push(`e.id = any(${bind(ids)}::uuid[])`);
  if (text !== undefined) {
    where.push(`position(lower(${bind(text)}) in lower(e.description || ' ' || e.url)) > 0`);
  }
  if (sort === "created") {
    if (before !== undefined) where.push(`e.id < ${bind(before)}`);
    const { rows } = await reader.query<Endpoint>(
      `select ${ENDPOINT_COLUMNS} from ${ENDPOINT_SOURCES}
       where ${where.join(" and ")} and e.deleted_at is null order by e.id desc limit ${bind(limit)}`,
      values,
    );
    return rows;
  }
  const last = before === undefined ? null : bind(before);
  const keys = KEYS[sort].map((_, index) => `key${index}`).join(", ");
  const { rows } = await reader.query<Endpoint>(
    `with ${sort === "worst" ? COUNTS : ""} ranked as (
       select e.id, e.deleted_at, ${KEYS[sort].map((key, index) => `${key} as key${index}`).join(", ")}
       from endpoints e join lanes l on l.id = e.lane_id ${sort === "worst" ? JOIN_COUNTS : ""}
       where e.account_id = $1 and ${
         // the last of the page before may have changed or be deleted since
         last === null
           ? `(${where.join(" and ")} and e.deleted_at is null)`
           : `((${where.join(" and ")} and e.deleted_at is null) or e.id = ${last})`
       }
     ), page as (
       select * from ranked
       ${last === null ? "" : `where (${keys}, id) > (select ${keys}, id from ranked where id = ${last})`}
       order by ${keys}, id limit ${bind(limit)}
     )
     select ${ENDPOINT_COLUMNS} from page join (${ENDPOINT_SOURCES}) on e.id = page.id
     order by ${keys}, page.id`,
    values,
  );
  return rows;
}
