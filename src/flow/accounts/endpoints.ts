import { isDeepStrictEqual } from "node:util";
import type { Context } from "../context.ts";
import { changesOf, SYSTEM, type Author } from "../../core/audit.ts";
import { ENDPOINT_SETTINGS, pick } from "../../core/endpoint.ts";
import type { EndpointSettings } from "../../core/endpoint.ts";
import { newId } from "../../core/ids.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { Problem } from "../../core/problem.ts";
import { redactAll } from "../../core/redact-headers.ts";
import { openHeaders, sealHeaders } from "../../core/sealed.ts";
import { cancelPendingOfLane } from "../../db/deliveries/deliveries.ts";
import {
  getEndpoint,
  insertEndpoint,
  lockEndpoint,
  markEndpointDeleted,
  setEndpointState,
  updateEndpointSettings,
} from "../../db/accounts/endpoints.ts";
import { closeBreaker } from "../../db/deliveries/leases.ts";
import { insertEndpointLane, lockLanes, setLaneOrder } from "../../db/deliveries/lanes.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { wakeLanes } from "../deliveries/publish.ts";
import { orderReplay } from "../deliveries/replays.ts";
import { recordActivity } from "../activity/record.ts";
import { recordAudit } from "./audit.ts";
import { addSecret } from "./secrets.ts";

/** Settings with custom headers in clear. */
type OpenSettings = Omit<EndpointSettings, "sealed_headers"> & { headers: Record<string, string> };

interface EndpointOf {
  accountId: string;
  endpointId: string;
}

/** The author of a change, unless the program makes it. */
interface By {
  by?: Author;
}

/** Registers a receiver with a lane and a secret of its own. */
export async function createEndpoint(
  context: Pick<Context, "pool" | "vault">,
  endpoint: OpenSettings & { accountId: string; secret: string | null } & By,
): Promise<{ endpoint: Endpoint; secret: string }> {
  const { accountId, secret: chosen, headers, by = SYSTEM, ...rest } = endpoint;
  const settings = { ...rest, sealed_headers: sealHeaders(context.vault, headers) };
  const ids = { id: newId(), accountId, laneId: newId() };
  return await inTransaction(context.pool, async (tx) => {
    await insertEndpoint(tx, ids, settings);
    await insertEndpointLane(tx, {
      id: ids.laneId,
      accountId,
      endpointId: ids.id,
      ordered: settings.ordered,
    });
    const owner = { accountId, endpointId: ids.id };
    const secret = await addSecret(tx, context, owner, chosen);
    await recordAudit(tx, by, {
      accountId,
      action: "endpoint.created",
      target: { type: "endpoint", id: ids.id, name: rest.description || rest.url },
      after: { ...rest, headers: redactAll(headers) },
    });
    return { endpoint: await changed(tx, { accountId, endpointId: ids.id }), secret };
  });
}

/** @throws Problem not_found */
export async function updateEndpoint(
  context: Pick<Context, "pool" | "vault">,
  {
    accountId,
    endpointId,
    changes,
    by = SYSTEM,
  }: EndpointOf & By & { changes: Partial<OpenSettings> },
): Promise<Endpoint> {
  const { headers, ...rest } = changes;
  const sealed =
    headers === undefined ? {} : { sealed_headers: sealHeaders(context.vault, headers) };
  return await inTransaction(context.pool, async (tx) => {
    const before = await find(tx, { accountId, endpointId });
    const settings = { ...pick(before, ENDPOINT_SETTINGS), ...rest, ...sealed };
    await updateEndpointSettings(tx, endpointId, settings);
    await recordAudit(tx, by, {
      accountId,
      action: "endpoint.updated",
      target: targetOf(before),
      ...settingChanges(context, before, changes),
    });
    if (settings.ordered !== before.ordered) {
      await setLaneOrder(tx, before.lane_id, settings.ordered);
    }
    // a new URL, limit or order may let waiting deliveries through
    await wakeLanes(tx, [before.lane_id]);
    return await changed(tx, { accountId, endpointId });
  });
}

/**
 * Deletes an endpoint: nothing more is sent to it. Its pending deliveries are canceled: some at
 * once, the rest in steps by the worker that leases its lane. Its dead letters stay, or are
 * discarded in steps as by a replay. @throws Problem not_found
 * @param discardBy the API key of the caller, if dead letters are to be discarded
 */
export async function deleteEndpoint(
  context: Pick<Context, "pool" | "now">,
  { by = SYSTEM, ...endpoint }: EndpointOf & By,
  discardBy: string | null = null,
): Promise<void> {
  await inTransaction(context.pool, async (tx) => {
    const found = await find(tx, endpoint);
    const { lane_id } = found;
    if (discardBy !== null) {
      const order = {
        accountId: endpoint.accountId,
        action: "discard" as const,
        filter: { status: "dead" as const, endpoint_id: endpoint.endpointId },
        dryRun: false,
        discard: { note: "the endpoint was deleted", keyId: discardBy },
        by,
      };
      await orderReplay(tx, order, context.now());
    }
    await recordAudit(tx, by, {
      accountId: endpoint.accountId,
      action: "endpoint.deleted",
      target: targetOf(found),
      before: { url: found.url, description: found.description, state: found.state },
    });
    await markEndpointDeleted(tx, endpoint.endpointId);
    await recordChange(tx, endpoint, "deleted");
    await cancelPendingOfLane(tx, lane_id);
    await wakeLanes(tx, [lane_id]);
  });
}

const CHANGES = {
  pause: { from: ["active", "paused"], to: "paused", action: "endpoint.paused" },
  resume: { from: ["active", "paused"], to: "active", action: "endpoint.resumed" },
  enable: { from: ["active", "paused", "disabled"], to: "active", action: "endpoint.enabled" },
  disable: {
    from: ["active", "paused", "disabled"],
    to: "disabled",
    action: "endpoint.disabled",
  },
} as const;
export type EndpointAction = keyof typeof CHANGES;

/**
 * `pause`: deliveries stay pending. `resume`: deliveries go on. `enable`: a disabled endpoint is
 * sent to again; its dead letters wait for a replay. Both close the lane's breaker. `disable`: what
 * is pending becomes dead letters, and nothing more is made for it.
 * @throws Problem not_found, endpoint_state
 */
export async function changeEndpointState(
  context: Pick<Context, "pool">,
  { by = SYSTEM, ...change }: EndpointOf & By & { action: EndpointAction },
): Promise<Endpoint> {
  const { from, to, action } = CHANGES[change.action];
  return await inTransaction(context.pool, async (tx) => {
    // a pause never waits, so an admin can stop a flood
    const endpoint = change.action === "pause" ? await lock(tx, change) : await find(tx, change);
    if (!(from as readonly string[]).includes(endpoint.state)) {
      throw new Problem("endpoint_state", "the endpoint is disabled; enable it first");
    }
    if (to === "disabled" && endpoint.state === "disabled") return endpoint;
    const reason = to === "disabled" ? "admin" : null;
    await setEndpointState(tx, endpoint.id, to, reason);
    await recordAudit(tx, by, {
      accountId: change.accountId,
      action,
      target: targetOf(endpoint),
      ...changesOf(
        { state: endpoint.state, reason: endpoint.disabled_reason },
        { state: to, reason },
      ),
    });
    if (to === "active") await closeBreaker(tx, endpoint.lane_id);
    if (to !== "paused") await wakeLanes(tx, [endpoint.lane_id]);
    return await changed(tx, change);
  });
}

function targetOf({ id, description, url }: Endpoint) {
  return { type: "endpoint" as const, id, name: description || url };
}

/** What an update changes, as the audit log tells it: of headers their names. */
function settingChanges(
  { vault }: Pick<Context, "vault">,
  before: Endpoint,
  { headers, ...rest }: Partial<OpenSettings>,
) {
  const changes = changesOf(pick(before, ENDPOINT_SETTINGS), rest);
  const old = openHeaders(vault, before.sealed_headers);
  if (headers === undefined || isDeepStrictEqual(old, headers)) return changes;
  return {
    before: { ...changes.before, headers: redactAll(old) },
    after: { ...changes.after, headers: redactAll(headers) },
  };
}

/** The endpoint as it is now; records its change as activity. */
async function changed(tx: Tx, endpoint: EndpointOf): Promise<Endpoint> {
  const found = (await getEndpoint(tx, endpoint.accountId, endpoint.endpointId))!;
  await recordChange(tx, endpoint, found.state);
  return found;
}

async function recordChange(
  tx: Tx,
  { accountId, endpointId }: EndpointOf,
  state: string,
): Promise<void> {
  await recordActivity(tx, [{ account_id: accountId }], () => ({
    type: "endpoint.updated",
    endpoint_id: endpointId,
    data: { state },
  }));
}

/** Locks the endpoint with its lane, the lane first, as the settlement of a 410 does. */
async function find(tx: Tx, endpoint: EndpointOf): Promise<Endpoint> {
  const found = await getEndpoint(tx, endpoint.accountId, endpoint.endpointId);
  if (found !== null) await lockLanes(tx, [found.lane_id]);
  return await lock(tx, endpoint);
}

async function lock(tx: Tx, { accountId, endpointId }: EndpointOf): Promise<Endpoint> {
  const endpoint = await lockEndpoint(tx, accountId, endpointId);
  if (endpoint === null) throw new Problem("not_found", "no such endpoint");
  return endpoint;
}
