import { newId } from "../../core/ids.ts";
import type { ReplayDestination } from "../../core/model.ts";
import { planReceivers } from "../../core/receivers.ts";
import type { PlannedReceiver } from "../../core/receivers.ts";
import { findMissingAt, insertCopies, lockCopySources } from "../../db/deliveries/copies.ts";
import type { CopySource } from "../../db/deliveries/copies.ts";
import type { NewDelivery } from "../../db/deliveries/deliveries.ts";
import { queueForReplay } from "../../db/deliveries/replays.ts";
import type { Tx } from "../../db/transaction.ts";
import { findReceivers, positionInOrder, wakeSharedLanes } from "./publish.ts";
import type { Receivers } from "./publish.ts";

export interface CopyOrder {
  accountId: string;
  destination: ReplayDestination;
  now: Date;
}

interface Destination {
  receiver: PlannedReceiver;
  laneId: string;
  lanes: Receivers["lanes"];
}

/**
 * Sends the messages of deliveries to another receiver, each once: further deliveries of the same
 * messages, so body and `webhook-id` are the same. Null: the receiver is disabled or gone.
 */
export async function copyTo(
  tx: Tx,
  { accountId, destination, now }: CopyOrder,
  ids: readonly string[],
): Promise<{ id: string; sourceId: string }[] | null> {
  const found = await findDestination(tx, accountId, destination);
  if (found === null) return null;
  const { receiver, laneId, lanes } = found;
  const endpointId = receiver.kind === "endpoint" ? receiver.endpointId : null;
  const sources = await lockCopySources(tx, ids);
  // after the lock, so what others have copied meanwhile is seen
  const missing = await findMissingAt(tx, sources, { endpointId, url: receiver.url });
  const wanted = sources.filter(({ message_id }) => missing.has(message_id));
  if (wanted.length === 0) return [];
  const copies = wanted.map((source) => ({
    ...copyOf(source, receiver, laneId),
    account_id: accountId,
    created_at: now,
  }));
  const lane = lanes.get(laneId)!;
  if (lane.ordered) await positionInOrder(tx, copies);
  await insertCopies(tx, copies);
  await wakeSharedLanes(tx, new Map([[laneId, lane]]));
  return copies.map(({ id }, index) => ({ id, sourceId: wanted[index]!.source_id }));
}

async function findDestination(
  tx: Tx,
  accountId: string,
  destination: ReplayDestination,
): Promise<Destination | null> {
  const audience = { accountId, type: "", callbacks: [] };
  if ("url" in destination) {
    const callback = { url: destination.url, events: [] };
    const [receiver] = planReceivers("", [callback], []);
    const found = await findReceivers(tx, [{ ...audience, callbacks: [callback] }]);
    const [laneId] = found.origins.values();
    return { receiver: receiver!, laneId: laneId!, lanes: found.lanes };
  }
  const endpointId = destination.endpoint_id;
  // whoever makes late deliveries for an endpoint takes turns, so none sends what another has sent
  await queueForReplay(tx, endpointId);
  const callback = { endpoint_id: endpointId, events: [] };
  const found = await findReceivers(tx, [{ ...audience, callbacks: [callback] }]);
  const endpoint = found.subscribers.get(accountId)?.find(({ id }) => id === endpointId);
  if (endpoint === undefined || endpoint.disabled) return null;
  const { laneId, description, url } = endpoint;
  const receiver: PlannedReceiver = {
    kind: "endpoint",
    endpointId,
    laneId,
    description,
    url,
    disabled: false,
  };
  return { receiver, laneId, lanes: found.lanes };
}

function copyOf(
  source: CopySource,
  receiver: PlannedReceiver,
  laneId: string,
): Omit<NewDelivery, "account_id" | "created_at"> {
  return {
    id: newId(),
    message_id: source.message_id,
    job_id: source.job_id,
    event_type: source.event_type,
    endpoint_id: receiver.kind === "endpoint" ? receiver.endpointId : null,
    endpoint_description: receiver.kind === "endpoint" ? receiver.description : null,
    lane_id: laneId,
    lane_position: null,
    url: receiver.url,
    overrides: receiver.kind === "endpoint" ? null : receiver.overrides,
    body_bytes: source.body_bytes,
  };
}
