import type { SealedCallback } from "../../core/model.ts";
import { emits } from "../activity/emits.ts";
import { rowsAs } from "../rows.ts";
import { planEachTime } from "../transaction.ts";
import type { Tx } from "../transaction.ts";

/** A message that an endpoint may have missed. */
export interface MissedMessage {
  id: string;
  type: string;
  job_id: string | null;
  /** Of its job. */
  callbacks: SealedCallback[] | null;
  body_bytes: number;
  /** Whether a delivery to the endpoint was made. */
  has_delivery: boolean;
}

/** Messages of an account in order of id, after `after` or else from `from`. */
export async function findMessagesFor(
  tx: Tx,
  look: {
    accountId: string;
    endpointId: string;
    from: string;
    after: string | null;
    limit: number;
  },
): Promise<MissedMessage[]> {
  await planEachTime(tx);
  const { rows } = await tx.query<MissedMessage>(
    `select m.id, m.type, m.job_id, j.callbacks, octet_length(m.body) as body_bytes,
       exists (select from deliveries d where d.message_id = m.id and d.endpoint_id = $2)
         as has_delivery
     from (select * from messages where account_id = $1 and id >= $3
             and ($4::uuid is null or id > $4) order by id limit $5) m
     left join jobs j on j.id = m.job_id
     order by m.id`,
    [look.accountId, look.endpointId, look.from, look.after, look.limit],
  );
  return rows;
}

/** A delivery of a message that was made long ago. */
export interface LateDelivery {
  id: string;
  messageId: string;
  jobId: string | null;
  eventType: string;
  lanePosition: string | null;
  bodyBytes: number;
}

const LATE = rowsAs<LateDelivery>(
  "t",
  {
    id: "uuid",
    message_id: ["uuid", ({ messageId }) => messageId],
    job_id: ["uuid", ({ jobId }) => jobId],
    event_type: ["text", ({ eventType }) => eventType],
    lane_position: ["bigint", ({ lanePosition }) => lanePosition],
    body_bytes: ["int", ({ bodyBytes }) => bodyBytes],
  },
  { first: 5 },
);

/** Makes deliveries to one endpoint, due now, and counts them with their messages. */
export async function insertLateDeliveries(
  tx: Tx,
  to: { accountId: string; endpointId: string; laneId: string; url: string },
  deliveries: readonly LateDelivery[],
): Promise<void> {
  await tx.query({
    name: "insert_late_deliveries",
    text: `with counted as (
        update messages set delivery_count = delivery_count + 1
        where id = any(array(select message_id from ${LATE.sql}))
        returning id
      ), made as (
        insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id, lane_id,
          lane_position, url, body_bytes, created_at, status, next_attempt_at)
        select t.id, $1, t.message_id, t.job_id, t.event_type, $2, $3, t.lane_position, $4,
          t.body_bytes, now(), 'pending', now()
        from ${LATE.sql} join counted on counted.id = t.message_id
        returning id, account_id, message_id, job_id, endpoint_id
      )
      ${emits("made", {
        type: "delivery.replayed",
        about: {
          job_id: "job_id",
          message_id: "message_id",
          delivery_id: "id",
          endpoint_id: "endpoint_id",
        },
        data: "'{}'",
      })}`,
    values: [to.accountId, to.endpointId, to.laneId, to.url, ...LATE.values(deliveries)],
  });
}
