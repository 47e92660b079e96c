import { CAPPED_AT } from "../../core/capped-count.ts";
import type { DeadReason } from "../../core/model.ts";
import type { Reader } from "../transaction.ts";

/** Dead letters of one endpoint that were given up for the same cause. */
export interface DeadLetterCause {
  /** Null: callback URLs. */
  endpoint_id: string | null;
  reason: DeadReason;
  /** An error code, `http_` with the status, or empty: without an attempt. */
  cause: string;
  count: number;
  oldest_at: Date;
  newest_at: Date;
  /** What the receiver answered to the newest one, or why there was no answer: its beginning. */
  sample: string | null;
  endpoint_name: string | null;
  endpoint_deleted: boolean;
  /** To the minute; null: the endpoint never took a delivery. */
  last_success_at: Date | null;
}

const NO_ENDPOINT = "00000000-0000-0000-0000-000000000000";
const OF_ENDPOINT = `coalesce(l.endpoint_id, '${NO_ENDPOINT}')`;
/** The most groups that are told, those with the newest dead letter first. */
const MAX_CAUSES = 200;
const SAMPLE_CHARS = 200;

/**
 * The dead letters in the inbox by endpoint, reason and cause. Each group is found by a jump along
 * an index to the one behind the last, and counted along it, up to `CAPPED_AT`.
 */
export async function listDeadLetterCauses(
  reader: Reader,
  accountId: string,
  filter: { endpointId?: string | undefined },
): Promise<DeadLetterCause[]> {
  const { rows } = await reader.query<DeadLetterCause>(
    `with recursive groups as (
       (select ${OF_ENDPOINT} as endpoint, l.reason, l.cause from dead_letters l
        where l.account_id = $1 and l.discarded_at is null
          and ($2::uuid is null or ${OF_ENDPOINT} = $2)
        order by ${OF_ENDPOINT}, l.reason, l.cause limit 1)
       union all
       select next.* from groups g cross join lateral (
         select ${OF_ENDPOINT} as endpoint, l.reason, l.cause from dead_letters l
         where l.account_id = $1 and l.discarded_at is null
           and (${OF_ENDPOINT}, l.reason, l.cause) > (g.endpoint, g.reason, g.cause)
           and ($2::uuid is null or ${OF_ENDPOINT} = $2)
         order by ${OF_ENDPOINT}, l.reason, l.cause limit 1) next
     ), newest as (
       select g.*, first.delivery_id, first.created_at as newest_at
       from (select * from groups limit ${MAX_CAUSES * 10}) g cross join lateral (
         select l.delivery_id, l.created_at from dead_letters l
         where l.account_id = $1 and l.discarded_at is null and ${OF_ENDPOINT} = g.endpoint
           and l.reason = g.reason and l.cause = g.cause
         order by l.delivery_id desc limit 1) first
       order by newest_at desc limit ${MAX_CAUSES}
     )
     select nullif(n.endpoint, '${NO_ENDPOINT}') as endpoint_id, n.reason, n.cause, c.count,
       c.oldest_at, c.newest_at, s.sample, l.last_success_at,
       coalesce(nullif(p.description, ''), p.url) as endpoint_name,
       p.deleted_at is not null as endpoint_deleted
     from newest n
     left join endpoints p on p.id = n.endpoint
     left join lanes l on l.id = p.lane_id
     cross join lateral (
       select count(*)::int as count, min(found.created_at) as oldest_at,
         max(found.created_at) as newest_at
       from (select l.created_at from dead_letters l
         where l.account_id = $1 and l.discarded_at is null and ${OF_ENDPOINT} = n.endpoint
           and l.reason = n.reason and l.cause = n.cause
         order by l.delivery_id desc limit ${CAPPED_AT + 1}) found) c
     left join lateral (
       select left(coalesce(nullif(a.response_body, ''), a.error_message), ${SAMPLE_CHARS}) as sample
       from deliveries d join attempts a on a.delivery_id = d.id and a.number = d.attempt_count
       where d.id = n.delivery_id and n.cause <> '') s on true
     order by n.newest_at desc`,
    [accountId, filter.endpointId ?? null],
  );
  return rows;
}
