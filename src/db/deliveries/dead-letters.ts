import { CAPPED_AT } from "../../core/capped-count.ts";
import { DEAD_REASONS, MAX_UNPAGED } from "../../core/model.ts";
import type { DeadReason, Delivery } from "../../core/model.ts";
import { createdWithin } from "../created-within.ts";
import { DELIVERY_COLUMNS } from "./deliveries.ts";
import type { Reader, Tx } from "../transaction.ts";

export interface DeadLetterFilter {
  reason?: DeadReason | undefined;
  endpointId?: string | undefined;
  jobId?: string | undefined;
  eventType?: string | undefined;
  /** How the attempt ended after which they were given up. */
  statusCode?: number | undefined;
  errorCode?: string | undefined;
  /** Bounds of the delivery's creation, half-open. */
  since?: Date | undefined;
  until?: Date | undefined;
}

type Bind = (value: unknown) => string;

/** Conditions on `l`, a dead letter, and `d`, its delivery. */
function conditions(accountId: string, filter: DeadLetterFilter, bind: Bind) {
  const letter = [`l.account_id = ${bind(accountId)}`];
  if (filter.reason !== undefined) letter.push(`l.reason = ${bind(filter.reason)}`);
  if (filter.endpointId !== undefined) letter.push(`l.endpoint_id = ${bind(filter.endpointId)}`);
  if (filter.statusCode !== undefined)
    letter.push(`l.cause = ${bind(`http_${filter.statusCode}`)}`);
  if (filter.errorCode !== undefined) letter.push(`l.cause = ${bind(filter.errorCode)}`);
  const delivery: string[] = [];
  if (filter.jobId !== undefined) delivery.push(`d.job_id = ${bind(filter.jobId)}`);
  if (filter.eventType !== undefined) delivery.push(`d.event_type = ${bind(filter.eventType)}`);
  delivery.push(...createdWithin("d.created_at", "l.delivery_id", filter, bind));
  return { letter, delivery };
}

/** Dead deliveries with their reasons, newest first: the inbox, or the discarded ones. */
export async function listDeadLetters(
  reader: Reader,
  accountId: string,
  filter: DeadLetterFilter & { discarded: boolean; before?: string | undefined; limit: number },
): Promise<Delivery[]> {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { letter, delivery } = conditions(accountId, filter, bind);
  letter.push(`l.discarded_at is ${filter.discarded ? "not null" : "null"}`);
  if (filter.before !== undefined) letter.push(`l.delivery_id < ${bind(filter.before)}`);
  const { rows } = await reader.query<Delivery>(
    `select ${DELIVERY_COLUMNS} from dead_letters l
     join deliveries d on d.id = l.delivery_id
     left join endpoints e on e.id = d.endpoint_id
     where ${[...letter, ...delivery].join(" and ")}
     order by l.delivery_id desc limit ${bind(filter.limit)}`,
    values,
  );
  return rows;
}

export interface DeadLetterGroup {
  reason: DeadReason | null;
  endpoint_id: string | null;
  /** Its description, or else its URL, also when it was deleted. */
  endpoint_name: string | null;
  endpoint_deleted: boolean;
  count: number;
  oldest_at: Date;
  newest_at: Date;
}

/**
 * The numbers of dead letters in the inbox per reason or per endpoint, the newest first. Each group
 * is counted along an index of its own, up to `CAPPED_AT`.
 */
export async function listDeadLetterGroups(
  reader: Reader,
  accountId: string,
  by: "reason" | "endpoint",
  filter: DeadLetterFilter,
): Promise<DeadLetterGroup[]> {
  const values: unknown[] = [];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { letter, delivery } = conditions(accountId, filter, bind);
  const where = [...letter, ...delivery, "l.discarded_at is null"].join(" and ");
  const counted = (own: string): string =>
    `select count(*)::int as count, min(found.created_at) as oldest_at,
       max(found.created_at) as newest_at
     from (select l.created_at from dead_letters l
       ${delivery.length === 0 ? "" : "join deliveries d on d.id = l.delivery_id"}
       where ${where} and ${own} order by l.delivery_id desc limit ${CAPPED_AT + 1}) found`;
  const query =
    by === "reason"
      ? `select g.reason, null as endpoint_id, null as endpoint_name, false as endpoint_deleted, c.*
         from unnest(${bind(DEAD_REASONS)}::text[]) as g(reason)
         cross join lateral (${counted("l.reason = g.reason")}) c`
      : `select null as reason, g.id as endpoint_id,
           coalesce(nullif(g.description, ''), g.url) as endpoint_name,
           g.deleted_at is not null as endpoint_deleted, c.*
         from endpoints g cross join lateral (${counted("l.endpoint_id = g.id")}) c
         where g.account_id = $1
         union all
         select null, null, null, false, c.* from (${counted("l.endpoint_id is null")}) c`;
  const { rows } = await reader.query<DeadLetterGroup>(
    `select * from (${query}) groups where count > 0
     order by newest_at desc limit ${MAX_UNPAGED}`,
    values,
  );
  return rows;
}

/** Takes dead letters out of the inbox, not the books. Returns how many were in it. */
export async function discardDeadLetters(
  tx: Tx,
  ids: readonly string[],
  by: { keyId: string; note: string },
): Promise<number> {
  const { rowCount } = await tx.query(
    `update dead_letters set discarded_at = now(), discarded_by = $2, discard_note = $3
     where delivery_id in (select delivery_id from dead_letters
       where delivery_id = any($1::uuid[]) and discarded_at is null
       order by delivery_id for update)`,
    [ids, by.keyId, by.note],
  );
  return rowCount ?? 0;
}
