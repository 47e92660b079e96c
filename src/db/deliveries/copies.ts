import { rowsAs } from "../rows.ts";
import type { Tx } from "../transaction.ts";
import type { NewDelivery } from "./deliveries.ts";

/** A message that is to be sent to another receiver, and one of its deliveries. */
export interface CopySource {
  source_id: string;
  message_id: string;
  job_id: string | null;
  event_type: string;
  body_bytes: number;
}

/**
 * The messages of deliveries, each once, locked in order: whoever makes copies of a message counts
 * them in its row.
 */
export async function lockCopySources(tx: Tx, ids: readonly string[]): Promise<CopySource[]> {
  const { rows } = await tx.query<CopySource>(
    `with sources as (
       select distinct on (message_id) id as source_id, message_id, job_id, event_type, body_bytes
       from deliveries where id = any($1::uuid[]) order by message_id, id
     ), locked as (
       select id from messages where id = any(array(select message_id from sources))
       order by id for update
     )
     select s.* from sources s join locked m on m.id = s.message_id order by s.source_id`,
    [ids],
  );
  return rows;
}

const COPIES = rowsAs<NewDelivery>("d", {
  id: "uuid",
  account_id: "uuid",
  message_id: "uuid",
  job_id: "uuid",
  event_type: "text",
  endpoint_id: "uuid",
  lane_id: "uuid",
  lane_position: "bigint",
  url: "text",
  overrides: ["jsonb", ({ overrides }) => overrides && JSON.stringify(overrides)],
  body_bytes: "int",
  created_at: "timestamptz",
});

/** Stores further deliveries of messages, due now, as replayed ones. */
export async function insertCopies(tx: Tx, copies: readonly NewDelivery[]): Promise<void> {
  await tx.query({
    name: "insert_copies",
    text: `with due as (
        insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id,
          lane_id, lane_position, url, overrides, body_bytes, created_at, status, next_attempt_at,
          manual)
        select d.*, 'pending', now(), true from ${COPIES.sql} returning message_id)
      update messages set delivery_count = delivery_count + 1
      where id = any(array(select message_id from due))`,
    values: COPIES.values(copies),
  });
}

/** The deliveries, among these, of messages that a destination has no delivery of. */
export async function findMissingAt(
  tx: Tx,
  sources: readonly CopySource[],
  destination: { endpointId: string | null; url: string },
): Promise<Set<string>> {
  const { rows } = await tx.query<{ id: string }>(
    `select t.id from unnest($1::uuid[]) as t(id)
     where not exists (select from deliveries o where o.message_id = t.id
       and case when $2::uuid is null then o.endpoint_id is null and o.url = $3
         else o.endpoint_id = $2 end)`,
    [sources.map(({ message_id }) => message_id), destination.endpointId, destination.url],
  );
  return new Set(rows.map(({ id }) => id));
}
