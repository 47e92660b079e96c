import type { ActivityPosition, ActivityType } from "../../core/activity.ts";
import { emits, typeIn } from "./emits.ts";
import type { Reader, Tx } from "../transaction.ts";

export interface NewActivityEntry {
  account_id: string;
  type: ActivityType;
  job_id: string | null;
  message_id: string | null;
  delivery_id: string | null;
  endpoint_id: string | null;
  /** JSON text of an object. */
  data: string;
}

/** Records entries for listeners, after another write of the transaction (`activity_listeners`). */
export async function insertActivity(tx: Tx, entries: readonly NewActivityEntry[]): Promise<void> {
  await tx.query({
    name: "insert_activity",
    text: `with entry as materialized (
        select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[],
          $6::uuid[], $7::text[]) with ordinality
          as t(account_id, type, job_id, message_id, delivery_id, endpoint_id, data, ord)
      ) ${emits("entry", {
        type: typeIn("type"),
        about: {
          job_id: "job_id",
          message_id: "message_id",
          delivery_id: "delivery_id",
          endpoint_id: "endpoint_id",
        },
        data: "data",
        orderBy: "ord",
      })}`,
    values: [
      entries.map((e) => e.account_id),
      entries.map((e) => e.type),
      entries.map((e) => e.job_id),
      entries.map((e) => e.message_id),
      entries.map((e) => e.delivery_id),
      entries.map((e) => e.endpoint_id),
      entries.map((e) => e.data),
    ],
  });
}

/**
 * Keeps the account's activity for `seconds` more. Returns the transaction since which the log is
 * complete; null: not known yet, as nobody listened until now.
 */
export async function registerInterest(
  tx: Tx,
  accountId: string,
  seconds: number,
): Promise<bigint | null> {
  const { rows } = await tx.query<{ complete_from: string | null }>({
    name: "register_interest",
    // A producer whose clock runs ahead may take an interest that is about to end for ended.
    text: `insert into activity_interest as i (account_id, listened_until)
      values ($1, now() + $2 * interval '1 second')
      on conflict (account_id) do update set listened_until = excluded.listened_until,
        complete_from = case when i.listened_until > now() + interval '1 minute' then i.complete_from end
      returning complete_from`,
    values: [accountId, seconds],
  });
  const from = rows[0]?.complete_from ?? null;
  return from === null ? null : BigInt(from);
}

/** Notes that the log is complete from this transaction on, unless that is known already. */
export async function completeInterest(
  tx: Tx,
  accountId: string,
  from: bigint,
): Promise<bigint | null> {
  const { rows } = await tx.query<{ complete_from: string }>(
    `update activity_interest set complete_from = coalesce(complete_from, $2)
     where account_id = $1 returning complete_from`,
    [accountId, from],
  );
  return rows[0] === undefined ? null : BigInt(rows[0].complete_from);
}

export interface Horizon {
  /** The oldest transaction that still runs: all earlier ones have ended. */
  oldest: bigint;
  /** The next transaction that will begin. */
  next: bigint;
}

const HORIZON = `pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest,
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next`;

export async function getHorizon(reader: Reader): Promise<Horizon> {
  const { rows } = await reader.query<{ oldest: string; next: string }>(`select ${HORIZON}`);
  return { oldest: BigInt(rows[0]!.oldest), next: BigInt(rows[0]!.next) };
}

export interface ActivityEntry extends NewActivityEntry {
  position: ActivityPosition;
  at: Date;
}

interface ActivityRow extends ActivityEntry {
  oldest: string;
  next: string;
  xid: string | null;
  seq: string;
}

/**
 * The next entries after a position, as far as no running transaction can add to them: their order
 * is final, and no entry comes later in between.
 */
export async function listActivity(
  reader: Reader,
  accountIds: readonly string[],
  after: ActivityPosition,
  limit: number,
): Promise<{ entries: ActivityEntry[]; horizon: Horizon }> {
  const { rows } = await reader.query<ActivityRow>({
    name: "list_activity",
    text: `with horizon as materialized (select ${HORIZON})
      select horizon.*, e.* from horizon left join lateral (
        select account_id, xid, seq, at, type, job_id, message_id, delivery_id, endpoint_id, data
        from activity
        where account_id = any($1::uuid[]) and (xid, seq) > ($2::bigint, $3::bigint)
          and xid < horizon.oldest
        order by xid, seq limit $4) e on true
      order by e.xid, e.seq`,
    values: [accountIds, after.xid, after.seq, limit],
  });
  const [first] = rows;
  return {
    horizon: { oldest: BigInt(first!.oldest), next: BigInt(first!.next) },
    entries: rows.flatMap((row) =>
      row.xid === null ? [] : { ...row, position: { xid: BigInt(row.xid), seq: BigInt(row.seq) } },
    ),
  };
}

/** Whether a job and all its deliveries have ended; their entries are from before `next`. */
export async function getJobDrained(
  reader: Reader,
  accountId: string,
  jobId: string,
): Promise<{ drained: boolean; next: bigint }> {
  const { rows } = await reader.query<{ drained: boolean; next: string }>(
    `select ${HORIZON}, exists (
         select from job_ends where account_id = $1 and id = $2)
       and not exists (
         select from deliveries where job_id = $2 and status = 'pending') as drained`,
    [accountId, jobId],
  );
  return { drained: rows[0]!.drained, next: BigInt(rows[0]!.next) };
}

/** Accounts that may have entries, or clients that wait. */
export async function listInterests(reader: Reader): Promise<string[]> {
  const { rows } = await reader.query<{ account_id: string }>(
    "select account_id from activity_interest order by account_id",
  );
  return rows.map(({ account_id }) => account_id);
}

/**
 * Deletes the first entries of an account that are older than 15 minutes. A subscriber that stood before
 * them has to begin anew. Returns how many went.
 */
export async function deleteOldActivity(tx: Tx, accountId: string, limit: number): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `with gone as (
       delete from activity where ctid = any(array(
         select ctid from (select ctid, at from activity where account_id = $1
           order by xid, seq limit $2) first where at < now() - interval '15 minutes'))
       returning xid
     ), moved as (
       update activity_interest set complete_from = greatest(complete_from,
         (select max(xid) from gone) + 1)
       where account_id = $1 and complete_from is not null and exists (select from gone)
     )
     select count(*)::int as count from gone`,
    [accountId, limit],
  );
  return rows[0]!.count;
}

/** Deletes the interests with no listener, no waiting client and no entries left to send. */
export async function deleteOldInterests(tx: Tx): Promise<void> {
  await tx.query(
    `delete from activity_interest i
     where greatest(listened_until, awaited_until) < now() - interval '15 minutes'
       and not exists (select from activity e where e.account_id = i.account_id)`,
  );
}

/**
 * Has the ends of these accounts' jobs notified for `seconds` more, or at least half of that when
 * an earlier call still lasts.
 */
export async function awaitJobEnds(
  tx: Tx,
  accountIds: readonly string[],
  seconds: number,
): Promise<void> {
  await tx.query({
    name: "await_job_ends",
    text: `insert into activity_interest as i (account_id, awaited_until)
      select id, now() + $2::float8 * interval '1 second' from unnest($1::uuid[]) id order by id
      on conflict (account_id) do update set awaited_until = excluded.awaited_until
        where i.awaited_until is null or i.awaited_until < now() + $2::float8 / 2 * interval '1 second'`,
    values: [accountIds, seconds],
  });
}
