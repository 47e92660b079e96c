import type { Endpoint, EndpointState, RetryPolicy, SignatureVersion } from "../../core/model.ts";
import type { Reader, Tx } from "../transaction.ts";

const ENDPOINT_COLUMNS = `e.id, e.account_id, e.lane_id, e.url, e.description, e.events, e.sealed_headers,
  e.ordered, e.max_in_flight, e.rate_limit_per_s, e.timeout_s, e.retry, e.signatures,
  e.state, e.disabled_reason, e.created_at, e.updated_at, l.breaker_failures, l.breaker_until,
  l.breaker_reason`;

export interface EndpointSettings {
  url: string;
  description: string;
  events: string[];
  /** Null: none. */
  sealed_headers: string | null;
  ordered: boolean;
  max_in_flight: number;
  rate_limit_per_s: number | null;
  timeout_s: number;
  retry: RetryPolicy;
  signatures: SignatureVersion[];
}

export async function insertEndpoint(
  tx: Tx,
  ids: { id: string; accountId: string; laneId: string },
  settings: EndpointSettings,
): Promise<void> {
  await tx.query(
    `insert into endpoints (id, account_id, lane_id, url, description, events, sealed_headers, ordered,
       max_in_flight, rate_limit_per_s, timeout_s, retry, signatures)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [ids.id, ids.accountId, ids.laneId, ...settingsValues(settings)],
  );
}

export async function updateEndpointSettings(
  tx: Tx,
  id: string,
  settings: EndpointSettings,
): Promise<void> {
  await tx.query(
    `update endpoints set url = $2, description = $3, events = $4, sealed_headers = $5, ordered = $6,
       max_in_flight = $7, rate_limit_per_s = $8, timeout_s = $9, retry = $10, signatures = $11,
       updated_at = now()
     where id = $1`,
    [id, ...settingsValues(settings)],
  );
}

function settingsValues(s: EndpointSettings): unknown[] {
  return [
    s.url,
    s.description,
    s.events,
    s.sealed_headers,
    s.ordered,
    s.max_in_flight,
    s.rate_limit_per_s,
    s.timeout_s,
    JSON.stringify(s.retry),
    s.signatures,
  ];
}

export async function setEndpointState(
  tx: Tx,
  id: string,
  state: EndpointState,
  disabledReason: string | null,
): Promise<void> {
  await tx.query(
    `update endpoints set state = $2, disabled_reason = $3, updated_at = now() where id = $1`,
    [id, state, disabledReason],
  );
}

export async function markEndpointDeleted(tx: Tx, id: string): Promise<void> {
  await tx.query(`update endpoints set deleted_at = now(), updated_at = now() where id = $1`, [id]);
}

/** Locks the endpoint until the transaction ends. */
export async function lockEndpoint(
  tx: Tx,
  accountId: string,
  id: string,
): Promise<Endpoint | null> {
  const { rows } = await tx.query<Endpoint>(
    `select ${ENDPOINT_COLUMNS} from endpoints e join lanes l on l.id = e.lane_id
     where e.account_id = $1 and e.id = $2 and e.deleted_at is null for update of e`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

export async function getEndpoint(
  reader: Reader,
  accountId: string,
  id: string,
): Promise<Endpoint | null> {
  const { rows } = await reader.query<Endpoint>(
    `select ${ENDPOINT_COLUMNS} from endpoints e join lanes l on l.id = e.lane_id
     where e.account_id = $1 and e.id = $2 and e.deleted_at is null`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

export async function listEndpoints(
  reader: Reader,
  accountId: string,
  page: { before?: string | undefined; limit: number },
): Promise<Endpoint[]> {
  const { rows } = await reader.query<Endpoint>(
    `select ${ENDPOINT_COLUMNS} from endpoints e join lanes l on l.id = e.lane_id
     where e.account_id = $1 and e.deleted_at is null and ($2::uuid is null or e.id < $2)
     order by e.id desc limit $3`,
    [accountId, page.before ?? null, page.limit],
  );
  return rows;
}

/** Which of these ids are endpoints of the account. */
export async function findEndpointIds(
  reader: Reader,
  accountId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from endpoints where account_id = $1 and id = any($2::uuid[]) and deleted_at is null`,
    [accountId, ids],
  );
  return new Set(rows.map(({ id }) => id));
}
