import type {
  EndpointAudience,
  OperationalEventType,
  OperationalFormat,
} from "../core/operational-events.ts";
import { rowsAs } from "./rows.ts";
import type { Reader, Tx } from "./transaction.ts";

/** The account has an endpoint that operational events go to. */
function isOperated(accountId: string): string {
  return `exists (select from endpoints o where o.account_id = ${accountId}
    and o.audience = 'operator' and o.deleted_at is null and o.state <> 'disabled')`;
}

/** An endpoint that gets operational events: nothing is told about it. */
function isOperators(endpointId: string): string {
  return `exists (select from endpoints o where o.id = ${endpointId} and o.audience = 'operator')`;
}

/** A notice as a part of a statement: each column with SQL for its value. */
interface NoticeSql {
  /** A type, or SQL of one. */
  type: OperationalEventType | { sql: string };
  /** Text: what the notice is about. */
  subject: string;
  endpointId?: string;
  count?: string;
  /** A JSON object. */
  detail: string;
  where?: string;
  groupBy?: string;
}

/**
 * A part of a statement that makes notices of what it changes, for accounts with an operator's
 * endpoint, so they commit together. @param from the rows of the change, with `account_id`
 */
export function notices(from: string, notice: NoticeSql): string {
  const { type, subject, endpointId = "null::uuid", count = "1", detail, where, groupBy } = notice;
  const conditions = [
    isOperated("n.account_id"),
    ...(notice.endpointId === undefined ? [] : [`not ${isOperators(endpointId)}`]),
    ...(where === undefined ? [] : [where]),
  ];
  return `insert into notices (account_id, type, subject, endpoint_id, count, detail)
    select n.account_id, ${typeof type === "string" ? `'${type}'` : type.sql}, ${subject},
      ${endpointId}, ${count}, ${detail}
    from ${from} n where ${conditions.join(" and ")}${
      groupBy === undefined ? "" : ` group by n.account_id, ${groupBy}`
    }`;
}

export interface NewNotice {
  accountId: string;
  type: OperationalEventType;
  subject: string;
  endpointId: string | null;
  detail: Readonly<Record<string, unknown>>;
}

const NOTICES = rowsAs<NewNotice>("n", {
  account_id: ["uuid", (n) => n.accountId],
  type: "text",
  subject: "text",
  endpoint_id: ["uuid", (n) => n.endpointId],
  detail: ["jsonb", (n) => JSON.stringify(n.detail)],
});

/** Makes notices, after another write of the transaction. */
export async function insertNotices(tx: Tx, made: readonly NewNotice[]): Promise<void> {
  await tx.query({
    name: "insert_notices",
    text: `insert into notices (account_id, type, subject, endpoint_id, detail)
      select n.account_id, n.type, n.subject, n.endpoint_id, n.detail from ${NOTICES.sql}
      where ${isOperated("n.account_id")}
        and not (n.endpoint_id is not null and ${isOperators("n.endpoint_id")})`,
    values: NOTICES.values(made),
  });
}

/** Makes a notice for the accounts whose keys may operate the whole. */
export async function insertNoticeForOperators(
  tx: Tx,
  notice: Pick<NewNotice, "type" | "subject" | "detail">,
): Promise<void> {
  await tx.query(
    `insert into notices (account_id, type, subject, detail)
     select n.account_id, $1, $2, $3 from (
       select distinct account_id from api_keys
       where 'operator' = any(scopes) and revoked_at is null) n
     where ${isOperated("n.account_id")}`,
    [notice.type, notice.subject, JSON.stringify(notice.detail)],
  );
}

/**
 * Makes a notice of each secret or key that was rotated out and stops signing within `seconds`,
 * once. Operators' accounts only.
 */
export async function noticeExpiringSecrets(tx: Tx, seconds: number): Promise<void> {
  await tx.query(
    `with expiring as (
       select s.account_id, s.id, s.endpoint_id, s.expires_at,
         case when s.endpoint_id is null then 'The previous secret of callback URLs'
           else 'The previous secret of an endpoint' end as what
       from endpoints o join signing_secrets s on s.account_id = o.account_id
       where o.audience = 'operator' and o.deleted_at is null
         and s.expires_at between now() and now() + $1 * interval '1 second'
       union
       select k.account_id, k.id, null, k.expires_at, 'Signing key ' || k.kid
       from endpoints o join signing_keys k on k.account_id = o.account_id
       where o.audience = 'operator' and o.deleted_at is null
         and k.expires_at between now() and now() + $1 * interval '1 second'
     )
     insert into notices (account_id, type, subject, endpoint_id, detail)
     select n.account_id, 'secret.expiring', n.what, n.endpoint_id,
       jsonb_build_object('expires_at', n.expires_at, 'id', n.id)
     from expiring n
     where ${isOperated("n.account_id")}
       and not (n.endpoint_id is not null and ${isOperators("n.endpoint_id")})
       and not exists (select from notice_windows w where w.account_id = n.account_id
         and w.type = 'secret.expiring' and w.subject = n.what
         and w.detail ->> 'id' = n.id::text)
       and not exists (select from notices m where m.account_id = n.account_id
         and m.type = 'secret.expiring' and m.detail ->> 'id' = n.id::text)
     limit 100`,
    [seconds],
  );
}

/** Whether any endpoint gets operational events. */
export async function hasOperatorEndpoints(reader: Reader): Promise<boolean> {
  const { rows } = await reader.query<{ any: boolean }>(
    `select exists (select from endpoints where audience = 'operator' and deleted_at is null) as any`,
  );
  return rows[0]!.any;
}

/** Whether there is anything to tell now. */
export async function hasDueNotices(reader: Reader, windowS: number): Promise<boolean> {
  const { rows } = await reader.query<{ due: boolean }>({
    name: "has_due_notices",
    text: `select exists (select from notices) or exists (select from notice_windows
      where pending > 0 and (sent_at is null or sent_at <= now() - $1 * interval '1 second')) as due`,
    values: [windowS],
  });
  return rows[0]!.due;
}

/** Whether no other transaction sends notices now; until this one ends, none does. */
export async function tryLockNotices(tx: Tx): Promise<boolean> {
  const { rows } = await tx.query<{ free: boolean }>(
    "select pg_try_advisory_xact_lock(hashtextextended('ringback notices', 0)) as free",
  );
  return rows[0]!.free;
}

/** Adds the oldest notices to the windows of their subjects. Returns how many. */
export async function foldNotices(tx: Tx, limit: number): Promise<number> {
  const { rows } = await tx.query<{ folded: number }>({
    name: "fold_notices",
    text: `with taken as (
        delete from notices where id = any(array(select id from notices order by id limit $1))
        returning *
      ), folded as (
        insert into notice_windows as w
          (account_id, type, subject, endpoint_id, pending, first_at, last_at, detail)
        select account_id, type, subject, (array_agg(endpoint_id))[1], sum(count)::int,
          min(created_at), max(created_at), (array_agg(detail order by id desc))[1]
        from taken group by account_id, type, subject
        on conflict (account_id, type, subject) do update set
          endpoint_id = excluded.endpoint_id, pending = w.pending + excluded.pending,
          first_at = case when w.pending = 0 then excluded.first_at else w.first_at end,
          last_at = excluded.last_at, detail = excluded.detail
      )
      select count(*)::int as folded from taken`,
    values: [limit],
  });
  return rows[0]!.folded;
}

export interface DueNotice extends NewNotice {
  count: number;
  firstAt: Date;
  lastAt: Date;
  endpoint: { description: string; url: string } | null;
}

/** Takes what was gathered about subjects that were not told of for `windowS` seconds. */
export async function takeDueNotices(tx: Tx, windowS: number, limit: number): Promise<DueNotice[]> {
  const { rows } = await tx.query<
    Omit<DueNotice, "endpoint"> & { description: string | null; url: string | null }
  >({
    name: "take_due_notices",
    text: `with due as (
        select account_id, type, subject, pending from notice_windows
        where pending > 0
          and (sent_at is null or sent_at <= now() - $1 * interval '1 second')
        order by last_at limit $2
      ), taken as (
        update notice_windows w set pending = 0, sent_at = now() from due d
        where w.account_id = d.account_id and w.type = d.type and w.subject = d.subject
        returning w.*, d.pending as count
      )
      select t.account_id as "accountId", t.type, t.subject, t.endpoint_id as "endpointId",
        t.detail, t.count, t.first_at as "firstAt", t.last_at as "lastAt", e.description, e.url
      from taken t left join endpoints e on e.id = t.endpoint_id`,
    values: [windowS, limit],
  });
  return rows.map(({ description, url, ...notice }) => ({
    ...notice,
    endpoint: url === null ? null : { description: description ?? "", url },
  }));
}

/** Deletes the windows of subjects that were not heard of for a week. */
export async function deleteOldNoticeWindows(tx: Tx, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from notice_windows where ctid = any(array(
       select ctid from notice_windows
       where pending = 0 and sent_at < now() - interval '7 days' limit $1))`,
    [limit],
  );
  return rowCount ?? 0;
}

export interface OperatorEndpoint {
  id: string;
  account_id: string;
  events: string[];
  format: OperationalFormat;
  audience: EndpointAudience;
}

/** The endpoints that operational events of these accounts go to. */
export async function listOperatorEndpoints(
  tx: Tx,
  accountIds: readonly string[],
): Promise<OperatorEndpoint[]> {
  const { rows } = await tx.query<OperatorEndpoint>({
    name: "list_operator_endpoints",
    text: `select id, account_id, events, format, audience from endpoints
      where account_id = any($1::uuid[]) and audience = 'operator' and deleted_at is null
        and state <> 'disabled' order by id`,
    values: [accountIds],
  });
  return rows;
}
