import type { Context } from "../context.ts";
import { ENDPOINT_SETTINGS, pick } from "../../core/endpoint.ts";
import type { EndpointSettings } from "../../core/endpoint.ts";
import { newId } from "../../core/ids.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { Problem } from "../../core/problem.ts";
import { sealHeaders } from "../../core/sealed.ts";
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
import { addSecret } from "./secrets.ts";

/** Settings with custom headers in clear. */
type OpenSettings = Omit<EndpointSettings, "sealed_headers"> & { headers: Record<string, string> };

interface EndpointOf {
  accountId: string;
  endpointId: string;
}

/** Registers a receiver with a lane and a secret of its own. */
export async function createEndpoint(
  context: Pick<Context, "pool" | "vault">,
  endpoint: OpenSettings & { accountId: string; secret: string | null },
): Promise<{ endpoint: Endpoint; secret: string }> {
  const { accountId, secret: chosen, headers, ...rest } = endpoint;
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
    return { endpoint: await changed(tx, { accountId, endpointId: ids.id }), secret };
  });
}

/** @throws Problem not_found */
export async function updateEndpoint(
  context: Pick<Context, "pool" | "vault">,
  { accountId, endpointId, changes }: EndpointOf & { changes: Partial<OpenSettings> },
): Promise<Endpoint> {
  const { headers, ...rest } = changes;
  const sealed =
    headers === undefined ? {} : { sealed_headers: sealHeaders(context.vault, headers) };
  return await inTransaction(context.pool, async (tx) => {
    const before = await find(tx, { accountId, endpointId });
    const settings = { ...pick(before, ENDPOINT_SETTINGS), ...rest, ...sealed };
    await updateEndpointSettings(tx, endpointId, settings);
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
  endpoint: EndpointOf,
  discardBy: string | null = null,
): Promise<void> {
  await inTransaction(context.pool, async (tx) => {
    const { lane_id } = await find(tx, endpoint);
    if (discardBy !== null) {
      const order = {
        accountId: endpoint.accountId,
        action: "discard" as const,
        filter: { status: "dead" as const, endpoint_id: endpoint.endpointId },
        dryRun: false,
        discard: { note: "the endpoint was deleted", keyId: discardBy },
      };
      await orderReplay(tx, order, context.now());
    }
    await markEndpointDeleted(tx, endpoint.endpointId);
    await recordChange(tx, endpoint, "deleted");
    await cancelPendingOfLane(tx, lane_id);
    await wakeLanes(tx, [lane_id]);
  });
}

const CHANGES = {
  pause: { from: ["active", "paused"], to: "paused" },
  resume: { from: ["active", "paused"], to: "active" },
  enable: { from: ["active", "paused", "disabled"], to: "active" },
  disable: { from: ["active", "paused", "disabled"], to: "disabled" },
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
  change: EndpointOf & { action: EndpointAction },
): Promise<Endpoint> {
  const { from, to } = CHANGES[change.action];
  return await inTransaction(context.pool, async (tx) => {
    // a pause never waits, so an admin can stop a flood
    const endpoint = change.action === "pause" ? await lock(tx, change) : await find(tx, change);
    if (!(from as readonly string[]).includes(endpoint.state)) {
      throw new Problem("endpoint_state", "the endpoint is disabled; enable it first");
    }
    if (to === "disabled" && endpoint.state === "disabled") return endpoint;
    await setEndpointState(tx, endpoint.id, to, to === "disabled" ? "admin" : null);
    if (to === "active") await closeBreaker(tx, endpoint.lane_id);
    if (to !== "paused") await wakeLanes(tx, [endpoint.lane_id]);
    return await changed(tx, change);
  });
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
