import { ENDPOINT_SETTINGS } from "../../core/endpoint.ts";
import type { EndpointSettings } from "../../core/endpoint.ts";
import type { DisabledReason, Endpoint, EndpointState } from "../../core/endpoint.ts";
import type { Reader, Tx } from "../transaction.ts";

export const ENDPOINT_COLUMNS = `e.id, e.account_id, e.lane_id, ${ENDPOINT_SETTINGS.map((name) => `e.${name}`).join(", ")},
  e.state, e.disabled_reason, e.state_since, e.created_at, e.updated_at, l.breaker_failures,
  l.breaker_since, l.breaker_until, l.breaker_reason, l.failed_since, l.failing_since,
  l.last_success_at, l.last_failure_at, l.last_failure_status, l.last_failure_error, skipped.*`;

/** Endpoints with their lanes and what was not sent to them. */
export const ENDPOINT_SOURCES = `endpoints e join lanes l on l.id = e.lane_id
  cross join lateral (
    select coalesce(sum(count), 0)::float8 as skipped, min(since) as skipped_since
    from skipped_messages s where s.endpoint_id = e.id) skipped`;

export async function insertEndpoint(
  tx: Tx,
  ids: { id: string; accountId: string; laneId: string },
  settings: EndpointSettings,
): Promise<void> {
  await tx.query(
    `insert into endpoints (id, account_id, lane_id, ${ENDPOINT_SETTINGS.join(", ")})
     values ($1, $2, $3, ${ENDPOINT_SETTINGS.map((_, index) => `$${index + 4}`).join(", ")})`,
    [ids.id, ids.accountId, ids.laneId, ...valuesOf(settings)],
  );
}

export async function updateEndpointSettings(
  tx: Tx,
  id: string,
  settings: EndpointSettings,
): Promise<void> {
  const changes = ENDPOINT_SETTINGS.map((name, index) => `${name} = $${index + 2}`);
  await tx.query(`update endpoints set ${changes.join(", ")}, updated_at = now() where id = $1`, [
    id,
    ...valuesOf(settings),
  ]);
}

/** Settings as parameters: lists as arrays of the database, other objects as JSON. */
function valuesOf(settings: EndpointSettings): unknown[] {
  return ENDPOINT_SETTINGS.map((name) => {
    const value = settings[name];
    return typeof value === "object" && !Array.isArray(value)
      ? value && JSON.stringify(value)
      : value;
  });
}

export async function setEndpointState(
  tx: Tx,
  id: string,
  state: EndpointState,
  disabledReason: DisabledReason | null,
): Promise<void> {
  await tx.query(
    `update endpoints set state = $2, disabled_reason = $3, updated_at = now(),
       state_since = case when state = $2 then state_since else now() end where id = $1`,
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
    `select ${ENDPOINT_COLUMNS} from ${ENDPOINT_SOURCES}
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
    `select ${ENDPOINT_COLUMNS} from ${ENDPOINT_SOURCES}
     where e.account_id = $1 and e.id = $2 and e.deleted_at is null`,
    [accountId, id],
  );
  return rows[0] ?? null;
}

/** The ids, among these, of endpoints of the account. */
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
