import type { EventPosition } from "../../core/live-events.ts";
import type { Reader, Tx } from "../transaction.ts";

export interface NewEvent {
  account_id: string;
  type: string;
  job_id: string | null;
  message_id: string | null;
  delivery_id: string | null;
  endpoint_id: string | null;
  /** JSON text of an object. */
  data: string;
}

/**
 * Those that somebody listens to, who is told when the transaction commits. It must have written
 * before: see `event_listeners`.
 */
export async function insertEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  await tx.query({
    name: "insert_events",
    text: `insert into events
        (account_id, type, job_id, message_id, delivery_id, endpoint_id, data)
      select t.account_id, t.type, t.job_id, t.message_id, t.delivery_id, t.endpoint_id, t.data
      from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[])
        with ordinality
        as t(account_id, type, job_id, message_id, delivery_id, endpoint_id, data, place)
      where t.account_id = any ((select event_listeners($1::uuid[]))::uuid[])
      order by t.place`,
    values: [
      events.map((e) => e.account_id),
      events.map((e) => e.type),
      events.map((e) => e.job_id),
      events.map((e) => e.message_id),
      events.map((e) => e.delivery_id),
      events.map((e) => e.endpoint_id),
      events.map((e) => e.data),
    ],
  });
}

/**
 * Keeps the account's events for `seconds` more. Returns since which transaction the log is
 * complete; null: nobody listened until now, so that is not known yet.
 */
export async function registerInterest(
  tx: Tx,
  accountId: string,
  seconds: number,
): Promise<bigint | null> {
  const { rows } = await tx.query<{ complete_from: string | null }>({
    name: "register_interest",
    // A producer whose clock runs ahead may take an interest that is about to end for ended.
    text: `insert into event_interest as i (account_id, until)
      values ($1, now() + $2 * interval '1 second')
      on conflict (account_id) do update set until = excluded.until,
        complete_from = case when i.until > now() + interval '1 minute' then i.complete_from end
      returning complete_from`,
    values: [accountId, seconds],
  });
  const from = rows[0]?.complete_from ?? null;
  return from === null ? null : BigInt(from);
}

/** The log is complete from this transaction on, unless that is known already. */
export async function completeInterest(
  tx: Tx,
  accountId: string,
  from: bigint,
): Promise<bigint | null> {
  const { rows } = await tx.query<{ complete_from: string }>(
    `update event_interest set complete_from = coalesce(complete_from, $2)
     where account_id = $1 returning complete_from`,
    [accountId, from],
  );
  return rows[0] === undefined ? null : BigInt(rows[0].complete_from);
}

/**
 * For a statement that writes and tells in one, so that telling takes no round trip: the accounts
 * that somebody listens to, among those of `written`, a CTE of what was written.
 */
export function listenedIn(written: string): string {
  return `any ((select event_listeners(array_agg(account_id)) from ${written})::uuid[])`;
}

export interface Horizon {
  /** The oldest transaction that still runs: all before it have ended. */
  oldest: bigint;
  /** The next one that will begin. */
  next: bigint;
}

const HORIZON = `pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest,
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next`;

export async function getHorizon(reader: Reader): Promise<Horizon> {
  const { rows } = await reader.query<{ oldest: string; next: string }>(`select ${HORIZON}`);
  return { oldest: BigInt(rows[0]!.oldest), next: BigInt(rows[0]!.next) };
}

export interface LoggedEvent extends NewEvent {
  position: EventPosition;
  at: Date;
}

interface EventRow extends LoggedEvent {
  oldest: string;
  next: string;
  xid: string | null;
  seq: string;
}

/**
 * The next events behind a position, as far as no transaction that still runs can add to them; so
 * their order is final, and none comes later in between.
 */
export async function listEvents(
  reader: Reader,
  accountIds: readonly string[],
  after: EventPosition,
  limit: number,
): Promise<{ events: LoggedEvent[]; horizon: Horizon }> {
  const { rows } = await reader.query<EventRow>({
    name: "list_events",
    text: `with horizon as materialized (select ${HORIZON})
      select horizon.*, e.* from horizon left join lateral (
        select account_id, xid, seq, at, type, job_id, message_id, delivery_id, endpoint_id, data
        from events
        where account_id = any($1::uuid[]) and (xid, seq) > ($2::bigint, $3::bigint)
          and xid < horizon.oldest
        order by xid, seq limit $4) e on true
      order by e.xid, e.seq`,
    values: [accountIds, after.xid, after.seq, limit],
  });
  const [first] = rows;
  return {
    horizon: { oldest: BigInt(first!.oldest), next: BigInt(first!.next) },
    events: rows.flatMap((row) =>
      row.xid === null ? [] : { ...row, position: { xid: BigInt(row.xid), seq: BigInt(row.seq) } },
    ),
  };
}

/** Whether a job and all its deliveries have ended; all of that was told before `next`. */
export async function getJobDrained(
  reader: Reader,
  accountId: string,
  jobId: string,
): Promise<{ drained: boolean; next: bigint }> {
  const { rows } = await reader.query<{ drained: boolean; next: string }>(
    `select ${HORIZON}, exists (
         select from jobs where account_id = $1 and id = $2 and finished_at is not null)
       and not exists (
         select from deliveries where job_id = $2 and status = 'pending') as drained`,
    [accountId, jobId],
  );
  return { drained: rows[0]!.drained, next: BigInt(rows[0]!.next) };
}

/** Accounts that may have events. */
export async function listInterests(reader: Reader): Promise<string[]> {
  const { rows } = await reader.query<{ account_id: string }>(
    "select account_id from event_interest order by account_id",
  );
  return rows.map(({ account_id }) => account_id);
}

/**
 * Of the first events of an account, those of more than 15 minutes ago. Whoever stood before them
 * has to begin anew. Returns how many went.
 */
export async function deleteOldEvents(tx: Tx, accountId: string, limit: number): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `with gone as (
       delete from events where ctid = any(array(
         select ctid from (select ctid, at from events where account_id = $1
           order by xid, seq limit $2) first where at < now() - interval '15 minutes'))
       returning xid
     ), told as (
       update event_interest set complete_from = greatest(complete_from,
         (select max(xid) from gone) + 1)
       where account_id = $1 and complete_from is not null and exists (select from gone)
     )
     select count(*)::int as count from gone`,
    [accountId, limit],
  );
  return rows[0]!.count;
}

/** Nobody listens any more, and nothing is left to be told. */
export async function deleteOldInterests(tx: Tx): Promise<void> {
  await tx.query(
    `delete from event_interest i where until < now() - interval '15 minutes'
       and not exists (select from events e where e.account_id = i.account_id)`,
  );
}
