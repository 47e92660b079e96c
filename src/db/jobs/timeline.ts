import type { DeliveryStatus } from "../../core/model.ts";
import type { Reader } from "../transaction.ts";

/** The most deliveries in a timeline, the oldest ones. */
const MOST_DELIVERIES = 200;
const MOST_ATTEMPTS = 1_000;

export interface TimelineDelivery {
  id: string;
  message_id: string;
  event_type: string;
  url: string;
  status: DeliveryStatus;
  next_attempt_at: Date | null;
  created_at: Date;
  finished_at: Date | null;
  dead_reason: string | null;
}

export interface TimelineAttempt {
  delivery_id: string;
  number: number;
  url: string;
  started_at: Date;
  duration_ms: number;
  status_code: number | null;
  error_code: string | null;
  error_message: string | null;
}

/** The deliveries of a job, oldest first. */
export async function listJobDeliveries(
  reader: Reader,
  accountId: string,
  jobId: string,
): Promise<TimelineDelivery[]> {
  const { rows } = await reader.query<TimelineDelivery>(
    `select d.id, d.message_id, d.event_type, coalesce(e.url, d.url) as url, d.status,
       d.next_attempt_at, d.created_at, d.finished_at, l.reason as dead_reason
     from (select * from deliveries where job_id = $2 and account_id = $1
           order by id limit ${MOST_DELIVERIES}) d
     left join endpoints e on e.id = d.endpoint_id
     left join dead_letters l on l.delivery_id = d.id
     order by d.id`,
    [accountId, jobId],
  );
  return rows;
}

/** The attempts of these deliveries, without requests and responses. */
export async function listAttemptsOf(
  reader: Reader,
  deliveryIds: readonly string[],
): Promise<TimelineAttempt[]> {
  const { rows } = await reader.query<TimelineAttempt>(
    `select a.delivery_id, a.number, coalesce(a.url, d.url) as url, a.started_at, a.duration_ms,
       a.status_code, a.error_code, a.error_message
     from attempts a join deliveries d on d.id = a.delivery_id
     where a.delivery_id = any($1::uuid[])
     order by a.delivery_id, a.number limit ${MOST_ATTEMPTS}`,
    [deliveryIds],
  );
  return rows;
}
