import type { JobStatus } from "../core/model.ts";
import { uuidAt } from "../core/ids.ts";
import type { Reader } from "./transaction.ts";

/** A job or a message that was found, with the texts it was found by. */
export interface Found {
  kind: "job" | "message";
  id: string;
  type: string;
  /** Of a job. */
  status: JobStatus | null;
  metadata: string;
  request_id: string;
  created_at: Date;
}

const JOB = "'job' as kind, id, type, status, metadata, request_id, created_at";
const MESSAGE = "'message' as kind, id, type, null as status, metadata, request_id, created_at";

/** Jobs and messages of an account with these ids, the newest first. */
export async function findByIds(
  reader: Reader,
  accountId: string,
  ids: readonly string[],
): Promise<Found[]> {
  const { rows } = await reader.query<Found>(
    `select f.* from unnest($2::uuid[]) wanted cross join lateral (
       select ${JOB} from job_states where id = wanted and account_id = $1
       union all
       select ${MESSAGE} from messages where id = wanted and account_id = $1) f
     order by f.id desc`,
    [accountId, ids],
  );
  return rows;
}

/** Rows that are looked at around the time of a request. */
const AROUND = 50_000;

/** What a request made whose id tells its time: jobs and published messages of the seconds after. */
export async function findByRequest(
  reader: Reader,
  accountId: string,
  request: { id: string; from: Date; to: Date },
  limit: number,
): Promise<Found[]> {
  const around = (table: string, more: string): string =>
    `select id, request_id from (
       select id, request_id from ${table}
       where account_id = $1 and id >= $3 and id < $4 ${more} order by id limit ${AROUND}) t
     where request_id = $2`;
  const { rows } = await reader.query<{ id: string }>(
    `select id from (${around("jobs", "")}) j
     union all
     select id from (${around("messages", "and job_id is null")}) m
     limit $5`,
    [accountId, request.id, uuidAt(request.from), uuidAt(request.to), limit],
  );
  return await findByIds(
    reader,
    accountId,
    rows.map(({ id }) => id),
  );
}

/** Event types that are listed, beside job.completed. */
const TYPES = 200;

/** Event types of an account's messages, without that of nearly all: `job.completed`. */
export async function listEventTypes(reader: Reader, accountId: string): Promise<string[]> {
  const next = (after: string): string =>
    `(select type from messages
      where account_id = $1 and type <> 'job.completed' ${after} order by type limit 1)`;
  const { rows } = await reader.query<{ type: string }>(
    `with recursive types as (
       select ${next("")} as type
       union all
       select ${next("and type > t.type")} from types t where t.type is not null)
     select type from types where type is not null limit ${TYPES}`,
    [accountId],
  );
  return rows.map(({ type }) => type);
}

/** Deliveries that are looked at for a URL. */
const NEWEST = 20_000;

export interface FoundDelivery {
  id: string;
  event_type: string;
  status: string;
  url: string;
  created_at: Date;
}

/**
 * The newest deliveries to callback URLs of an origin, among the newest of the account.
 * @param url null: any of the origin
 */
export async function findByCallback(
  reader: Reader,
  accountId: string,
  { origin, url }: { origin: string; url: string | null },
  limit: number,
): Promise<FoundDelivery[]> {
  const { rows } = await reader.query<FoundDelivery>(
    `with known as materialized (
       select id from lanes where account_id = $1 and origin = $2 and endpoint_id is null)
     select id, event_type, status, url, created_at from (
       select id, lane_id, event_type, status, url, created_at from deliveries
       where account_id = $1 and exists (select from known)
       order by id desc limit ${NEWEST}) d
     where d.lane_id in (select id from known) and ($3::text is null or d.url = $3)
     order by id desc limit $4`,
    [accountId, origin, url, limit],
  );
  return rows;
}
