import { appended, pendingTable } from "./append.ts";
import { settleTail, SETTLE_HEAD, SETTLEMENTS } from "./beside.ts";
import type { DeliveryVariant } from "./lives.ts";
import { reworded, TODAY } from "./today.ts";

const BASE = { derived: false, copies: true, keyedByAccount: false, failedAttempts: false };

const MUTABLE_INDEXES = ["due", "ordered", "unfinished", "troubled"]
  .map((name) => `drop index deliveries_${name};`)
  .join(" ");

/** Rows move whole from a small table to their week, as they end. */
const MOVED: DeliveryVariant = {
  ...reworded(
    "c",
    `create table live_deliveries (like deliveries including defaults including constraints,
       primary key (id)) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0,
       autovacuum_vacuum_threshold = 2000);
     create index live_deliveries_due on live_deliveries (lane_id, next_attempt_at, id);
     create index live_deliveries_ordered on live_deliveries (lane_id, lane_position, id)
       where lane_position is not null;
     create index live_deliveries_account on live_deliveries (account_id, id desc);
     drop index deliveries_due; drop index deliveries_ordered;`,
    (text) =>
      text
        .replace("insert into deliveries", "insert into live_deliveries")
        .replace("select * from deliveries", "select * from live_deliveries"),
  ),
  tables: ["messages", "deliveries", "attempts", "live_deliveries"],
  lists: {},
  async settle(tx, settlements) {
    const { rows } = await tx.query({
      name: "proto_settle",
      text: `${SETTLE_HEAD}, ended as (
          delete from live_deliveries d using input i
            join held h on h.id = i.lane_id and h.epoch = i.epoch
          where d.id = any(array[i.delivery_id])
            and d.attempt_count = i.number - 1
          returning d.*, i.outcome, i.number, i.status_code, i.error_code
        ), settled as (
          insert into deliveries (id, account_id, message_id, job_id, event_type, endpoint_id,
            lane_id, lane_position, url, overrides, body_bytes, created_at, status, attempt_count,
            free_attempts, last_status_code, last_error_code, finished_at)
          select id, account_id, message_id, job_id, event_type, endpoint_id, lane_id,
            lane_position, url, overrides, body_bytes, created_at, outcome, number,
            free_attempts, status_code, error_code, now() from ended
          returning id, account_id, message_id, job_id, endpoint_id, status, next_attempt_at
        )${settleTail(false)}`,
      values: SETTLEMENTS.values(settlements),
    });
    return rows.length;
  },
};

/** Today's rows with indexes on what never changes, so that their one update is HOT. */
const HOT: DeliveryVariant = {
  ...TODAY,
  name: "d",
  tables: ["messages", "deliveries", "attempts", "pending_deliveries"],
  schema: `${pendingTable(false)} ${MUTABLE_INDEXES}
    alter table deliveries drop constraint deliveries_check,
      drop constraint deliveries_check1, drop constraint deliveries_check2,
      drop constraint deliveries_check3;`,
  lists: {},
  async make(tx, messages, deliveries) {
    const wrapped = {
      query: async (query: { text: string }) =>
        await tx.query({
          ...query,
          text: query.text
            .replace(/, due as \(\s+insert/, ", given as (select * from $d$), stored as (insert")
            .replace(/select d\.\*, 'pending', now\(\) from (unnest[^\n]+)/, (_, sql: string) => {
              given = sql;
              return `select d.*, 'pending', now() from given d), due as (insert into
                pending_deliveries (id, account_id, message_id, job_id, endpoint_id, lane_id,
                  lane_position, url, overrides, body_bytes, created_at, next_attempt_at)
                select d.id, d.account_id, d.message_id, d.job_id, d.endpoint_id, d.lane_id,
                  d.lane_position, d.url, d.overrides, d.body_bytes, d.created_at, now()
                from given d`;
            })
            .replace("$d$", () => given),
        }),
    } as unknown as typeof tx;
    let given = "";
    await TODAY.make(wrapped, messages, deliveries);
  },
  read: appended({ ...BASE, name: "" }).read,
  async settle(tx, settlements) {
    const { rows } = await tx.query({
      name: "proto_settle",
      text: `${SETTLE_HEAD}, ended as (
          delete from pending_deliveries p using input i
            join held h on h.id = i.lane_id and h.epoch = i.epoch
          where p.id = any(array[i.delivery_id]) and p.attempt_count = i.number - 1
          returning p.id as ended_id, i.outcome, i.number, i.status_code, i.error_code
        ), settled as (
          update deliveries d set status = outcome, attempt_count = number,
            last_status_code = status_code, last_error_code = error_code, finished_at = now(),
            next_attempt_at = null
          from ended where d.id = ended_id
          returning d.id, d.account_id, d.message_id, d.job_id, d.endpoint_id, d.status,
            d.next_attempt_at
        )${settleTail(false)}`,
      values: SETTLEMENTS.values(settlements),
    });
    return rows.length;
  },
};

/** Without checks, which each statement reads and compiles anew, and an index that no query needs. */
const TRIMMED = `drop index messages_account; do $$ declare one record; begin
  for one in select conname as name, conrelid::regclass as on from pg_constraint
    where conrelid in ('deliveries'::regclass, 'attempts'::regclass) and contype = 'c' loop
    execute format('alter table %s drop constraint %I', one.on, one.name); end loop; end $$;`;

const LEAN_OPTIONS = {
  name: "b3",
  derived: true,
  copies: false,
  keyedByAccount: false,
  failedAttempts: true,
};
const LEAN = appended(LEAN_OPTIONS);

export const DELIVERY_VARIANTS: readonly DeliveryVariant[] = [
  TODAY,
  appended({ ...BASE, name: "b" }),
  appended({ ...BASE, name: "b-failed", failedAttempts: true }),
  appended({ ...BASE, name: "b2", derived: true, failedAttempts: true }),
  LEAN,
  // an index less, and a settlement that was planned early finds its rows by the account alone
  appended({ ...LEAN_OPTIONS, name: "b3, by account", keyedByAccount: true }),
  MOVED,
  HOT,
  { ...TODAY, name: "a, trimmed", schema: TRIMMED },
  { ...LEAN, name: "b3, trimmed", schema: LEAN.schema + TRIMMED },
  {
    ...LEAN,
    name: "b3, pruned",
    schema: LEAN.schema + TRIMMED,
    session: "set enable_partition_pruning = on",
  },
];
