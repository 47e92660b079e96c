import type { DeliveryVariant, Due } from "./lives.ts";
import {
  DELIVERIES,
  EMIT_MADE,
  MESSAGES,
  readDueFrom,
  SETTLE_HEAD,
  SETTLEMENTS,
  settleTail,
} from "./beside.ts";
import { KEPT_ATTEMPTS, KEPT_DEAD, KEPT_ID, KEPT_MESSAGES, KEPT_TIME } from "./kept.ts";

export interface AppendOptions {
  name: string;
  /** Ids of deliveries follow from their messages', so no index finds the ones of a message. */
  derived: boolean;
  /** Copies of the endpoint's URL and the message's type. */
  copies: boolean;
  /** The pending ones are keyed by account and id; else by id, with an index by account. */
  keyedByAccount: boolean;
  /** The account in attempts, and an index of those that failed. */
  failedAttempts: boolean;
}

/** Deliveries are inserted and never changed; what is pending has a row in a small table as well. */
export function appended(options: AppendOptions): DeliveryVariant {
  const { name, derived, copies, keyedByAccount, failedAttempts } = options;
  const own = `d.id, d.account_id, d.message_id, d.job_id, d.endpoint_id, d.lane_id,
    d.overrides, d.created_at`;
  const stored = names(own) + (copies ? ", event_type, url, body_bytes" : "");
  const url = copies ? "d.url" : "case when d.endpoint_id is null then d.url end";
  return {
    name,
    derived,
    tables: ["messages", "deliveries", "attempts", "pending_deliveries"],
    schema: `${pendingTable(keyedByAccount)}
      drop table deliveries cascade;
      create table deliveries (
        id uuid primary key, account_id uuid not null, message_id uuid not null, job_id uuid,
        endpoint_id uuid, lane_id uuid not null, overrides jsonb,
        created_at timestamptz not null default now(),
        ${copies ? "event_type text not null, body_bytes integer not null, url text not null" : "url text"}
      ) partition by range (id);
      create table deliveries_default partition of deliveries default;
      create index deliveries_job on deliveries (job_id, id desc) where job_id is not null;
      create index deliveries_account on deliveries (account_id, id desc);
      create index deliveries_endpoint on deliveries (endpoint_id, id desc)
        where endpoint_id is not null;
      ${derived ? "" : "create index deliveries_message on deliveries (message_id);"}
      ${failedAttempts ? FAILED : ""}`,
    async make(tx, messages, deliveries) {
      await tx.query({
        name: "proto_make",
        text: `with made as (
            insert into messages (id, account_id, job_id, type, body, delivery_count, request_id,
              trace_id, created_at)
            select * from ${MESSAGES.sql}
            returning id, account_id, job_id, type, delivery_count
          ), given as (
            select * from ${DELIVERIES.sql}
          ), stored as (
            insert into deliveries (${stored}${copies ? "" : ", url"})
            select ${own}${copies ? ", d.event_type, d.url, d.body_bytes" : `, ${url}`} from given d
          ), due as (
            insert into pending_deliveries (id, account_id, message_id, job_id, endpoint_id,
              lane_id, lane_position, url, overrides, body_bytes, created_at, next_attempt_at)
            select d.id, d.account_id, d.message_id, d.job_id, d.endpoint_id, d.lane_id,
              d.lane_position, ${url}, d.overrides, d.body_bytes, d.created_at, now() from given d
          ) ${EMIT_MADE}`,
        values: [...MESSAGES.values(messages), ...DELIVERIES.values(deliveries)],
      });
    },
    async read(tx, laneId, rows) {
      const found = await tx.query<Due>({
        name: "proto_read",
        text: readDueFrom("pending_deliveries", DUE_COLUMNS),
        values: [[laneId], [rows], [1e9], []],
      });
      return found.rows;
    },
    async settle(tx, settlements) {
      // a join that a merge could make is made by one, when the table was empty as it was planned:
      // that reads all rows, and the dead ones too
      const mixed = settlements.some(({ outcome }) => outcome !== "delivered");
      const { rows } = await tx.query({
        name: mixed ? "proto_settle_mixed" : "proto_settle",
        text: `${SETTLE_HEAD}, settled as (
            delete from pending_deliveries p using input i
              join held h on h.id = i.lane_id and h.epoch = i.epoch
            where ${keyedByAccount ? "p.account_id = h.account_id and" : ""} p.id = any(array[i.delivery_id])
              and p.attempt_count = i.number - 1
              ${mixed ? "and i.outcome <> 'retry'" : ""}
            returning p.id, p.account_id, p.endpoint_id, p.job_id, p.message_id,
              i.outcome as status, null::timestamptz as next_attempt_at
          )${settleTail(failedAttempts)}`,
        values: SETTLEMENTS.values(settlements),
      });
      return rows.length;
    },
    lists: appendedLists(options),
    fill: [
      KEPT_MESSAGES,
      `insert into deliveries (id, account_id, message_id, endpoint_id, lane_id, created_at
         ${copies ? ", event_type, url, body_bytes" : ""})
       select ${KEPT_ID(1)}, $1, ${KEPT_ID(0)}, ($2::uuid[])[1 + g % 50],
         ($3::uuid[])[1 + g % 50], ${KEPT_TIME}
         ${copies ? ", 'job.completed', 'http://127.0.0.1/lane', 100" : ""} from rows`,
      KEPT_ATTEMPTS(failedAttempts),
      KEPT_DEAD,
    ],
  };
}

const names = (columns: string): string => columns.replaceAll("d.", "");

export function pendingTable(keyedByAccount: boolean): string {
  return `create table pending_deliveries (
      id uuid not null, account_id uuid not null, message_id uuid not null, job_id uuid,
      endpoint_id uuid, lane_id uuid not null, lane_position bigint, url text, overrides jsonb,
      body_bytes integer not null, created_at timestamptz not null,
      next_attempt_at timestamptz not null, attempt_count integer not null default 0,
      free_attempts integer not null default 0, manual boolean not null default false,
      scheduled_at timestamptz,
      primary key (${keyedByAccount ? "account_id, id" : "id"})
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
      autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
      autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 5000);
    create index pending_deliveries_due on pending_deliveries (lane_id, next_attempt_at, id);
    create index pending_deliveries_ordered on pending_deliveries (lane_id, lane_position, id)
      where lane_position is not null;
    ${keyedByAccount ? "" : "create index pending_deliveries_account on pending_deliveries (account_id, id desc);"}
    create table canceled_deliveries (delivery_id uuid primary key, canceled_at timestamptz not null);`;
}

const FAILED = `alter table attempts add column account_id uuid;
  create index attempts_troubled on attempts (account_id, delivery_id desc)
    where number > 1 or status_code >= 300 or error_code is not null;`;

const DUE_COLUMNS = `d.id, d.account_id, d.message_id, m.job_id, m.type as event_type,
  d.endpoint_id, d.url, d.overrides, d.body_bytes, d.attempt_count, d.free_attempts, d.manual,
  d.scheduled_at is not null as beside, d.created_at`;

/** Lists that tell the status by the small tables, and the outcome by the last attempt. */
function appendedLists({ derived, copies, keyedByAccount, failedAttempts }: AppendOptions) {
  const mine = keyedByAccount ? "p.account_id = d.account_id and p.id = d.id" : "p.id = d.id";
  // the page is chosen first: what is joined to it must not be read for more rows
  const list = (page: string): string => `select d.id, d.account_id, d.message_id, d.job_id,
      ${copies ? "d.event_type" : "m.type as event_type"}, d.endpoint_id,
      coalesce(e.url, d.url) as url,
      case when p.id is not null then 'pending' when l.delivery_id is not null then 'dead'
        when c.delivery_id is not null then 'canceled' else 'delivered' end as status,
      coalesce(a.number, 0) as attempt_count, p.next_attempt_at, d.created_at,
      case when p.id is null then coalesce(l.created_at, c.canceled_at,
        a.started_at + a.duration_ms * interval '1 ms') end as finished_at,
      l.reason as dead_reason, l.detail as dead_detail, l.discarded_at,
      a.status_code as last_status_code, a.error_code as last_error_code
    from (${page} order by d.id desc limit 50) d
    left join endpoints e on e.id = d.endpoint_id
    left join pending_deliveries p on ${mine}
    left join dead_letters l on l.delivery_id = d.id
    left join canceled_deliveries c on c.delivery_id = d.id
    left join lateral (select number, status_code, error_code, started_at, duration_ms
      from attempts where delivery_id = d.id order by number desc limit 1) a on true
    ${copies ? "" : "cross join lateral (select type from messages where id = d.message_id offset 0) m"}
    order by d.id desc`;
  const ofMessage = derived
    ? "d.id > $3 and d.id <= overlay($3::text placing 'ffff' from 33)::uuid"
    : "d.message_id = $3";
  return {
    account: list("select d.* from deliveries d where d.account_id = $1"),
    endpoint: list("select d.* from deliveries d where d.account_id = $1 and d.endpoint_id = $2"),
    pending: list(
      `select d.* from pending_deliveries p join deliveries d on d.id = p.id where p.account_id = $1`,
    ).replace("order by d.id desc limit 50", "order by p.id desc limit 50"),
    delivered: list(
      `select d.* from deliveries d where d.account_id = $1
        and not exists (select from pending_deliveries p where ${mine})
        and not exists (select from dead_letters l where l.delivery_id = d.id)
        and not exists (select from canceled_deliveries c where c.delivery_id = d.id)`,
    ),
    dead: list(
      `select d.* from dead_letters l join deliveries d on d.id = l.delivery_id
       where l.account_id = $1 and l.discarded_at is null`,
    ).replace("order by d.id desc limit 50", "order by l.delivery_id desc limit 50"),
    ...(failedAttempts
      ? {
          "5xx": list(
            `select d.* from (select delivery_id, number from attempts where account_id = $1
              and (number > 1 or status_code >= 300 or error_code is not null)
              and status_code >= 500 and status_code < 600 and error_code is null
              order by delivery_id desc offset 0) t
            join deliveries d on d.id = t.delivery_id
            where not exists (select from attempts n
              where n.delivery_id = t.delivery_id and n.number > t.number)`,
          ).replace("order by d.id desc limit 50", "order by t.delivery_id desc limit 50"),
        }
      : {}),
    message: list(`select d.* from deliveries d where d.account_id = $1 and ${ofMessage}`),
    books: `select m.id, m.delivery_count, n.* from messages m cross join lateral (
      select count(*) filter (where p.id is not null) as pending,
        count(*) filter (where l.delivery_id is not null) as dead,
        count(*) filter (where c.delivery_id is not null) as canceled,
        count(*) filter (where num_nonnulls(p.id, l.delivery_id, c.delivery_id) = 0
          and exists (select from attempts a where a.delivery_id = d.id)) as delivered
      from deliveries d left join pending_deliveries p on ${mine}
      left join dead_letters l on l.delivery_id = d.id
      left join canceled_deliveries c on c.delivery_id = d.id where ${ofMessage}) n
      where m.id = $3`,
  };
}
