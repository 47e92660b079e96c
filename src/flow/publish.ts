import { newId } from "../core/ids.ts";
import type { Callback } from "../core/model.ts";
import { planReceivers, wantsEvent } from "../core/receivers.ts";
import type { Receiver, Subscriber } from "../core/receivers.ts";
import { insertDeliveries } from "../db/deliveries.ts";
import type { NewDelivery } from "../db/deliveries.ts";
import { findSubscribers } from "../db/endpoints.ts";
import { ensureOriginLanes, holdLanes, takePlaces } from "../db/lanes.ts";
import type { OriginLane } from "../db/lanes.ts";
import { insertMessages } from "../db/messages.ts";
import { tellProcesses } from "../db/nudges.ts";
import { addWakeUps } from "../db/queue.ts";
import type { Tx } from "../db/transaction.ts";

/** A message to be made, and who might receive it. */
export interface Publication {
  /** Given by those who need it before; else made here. */
  messageId?: string;
  accountId: string;
  jobId: string | null;
  type: string;
  body: string;
  createdAt: Date;
  requestId: string;
  traceId: string;
  /** The job's callbacks; endpoints of the account receive by their own filter. */
  callbacks: readonly Callback[];
  /** Only this endpoint, whatever its filter. */
  onlyEndpointId?: string;
}

export interface Published {
  /** Null when the message was not made: an event of a job that nobody wants. */
  messageId: string | null;
  deliveries: NewDelivery[];
}

/** The lanes of a process that makes deliveries due. */
export interface OwnLanes {
  workerId: string;
  /** Those it pumps itself and got something: the caller nudges them when it has committed. */
  toNudge: Set<string>;
}

/**
 * Messages, their deliveries and the wake-ups of their lanes, in the caller's transaction, so
 * they commit with what they tell of.
 */
export async function publish(
  tx: Tx,
  publications: readonly Publication[],
  own?: OwnLanes,
): Promise<Published[]> {
  if (publications.length === 0) return [];
  const [subscribers, origins] = await Promise.all([
    findOwn(tx, publications),
    findOrigins(tx, publications),
  ]);
  const plans = planAll(publications, subscribers);
  const laneIds = plans.map((receivers, index) =>
    receivers.map((r) =>
      r.kind === "endpoint" ? r.laneId : origins.get(originKey(publications[index]!, r))!,
    ),
  );
  const lanes = await holdLanes(tx, [...new Set(laneIds.flat())]);

  const published = publications.map((publication, index): Published => {
    const receivers = plans[index]!;
    const messageId = publication.messageId ?? newId();
    const deliveries = receivers.map((receiver, place) =>
      newDelivery(publication, messageId, receiver, laneIds[index]![place]!),
    );
    const made = deliveries.length > 0 || publication.jobId === null;
    return { messageId: made ? messageId : null, deliveries };
  });

  const deliveries = published.flatMap((p) => p.deliveries);
  await placeInOrder(
    tx,
    deliveries.filter((d) => lanes.get(d.lane_id)?.ordered),
  );
  const messages = published.flatMap(({ messageId, deliveries: made }, index) => {
    const p = publications[index]!;
    if (messageId === null) return [];
    return {
      id: messageId,
      account_id: p.accountId,
      job_id: p.jobId,
      type: p.type,
      body: p.body,
      created_at: p.createdAt,
      request_id: p.requestId,
      trace_id: p.traceId,
      delivery_count: made.length,
    };
  });
  await Promise.all([
    messages.length > 0 && insertMessages(tx, messages),
    deliveries.length > 0 && insertDeliveries(tx, deliveries),
    wakeHeldLanes(tx, lanes, own),
  ]);
  return published;
}

/** For lanes that the caller holds and has made deliveries due in. */
export async function wakeHeldLanes(
  tx: Tx,
  lanes: ReadonlyMap<string, { leased_by: string | null }>,
  own?: OwnLanes,
): Promise<void> {
  const free: string[] = [];
  const elsewhere: string[] = [];
  for (const [id, { leased_by }] of lanes) {
    if (leased_by === null) free.push(id);
    else if (leased_by === own?.workerId) own.toNudge.add(id);
    else elsewhere.push(id);
  }
  await Promise.all([elsewhere.length > 0 && tellProcesses(tx, elsewhere), wakeLanes(tx, free)]);
}

/** Wake-ups, due now. The caller holds the lanes. */
export async function wakeLanes(tx: Tx, laneIds: readonly string[]): Promise<void> {
  await addWakeUps(
    tx,
    laneIds.map((id) => ({ task: "pump-lane", id, delayMs: 0 })),
  );
}

/** The endpoints that may receive any of these. */
async function findOwn(
  tx: Tx,
  publications: readonly Publication[],
): Promise<Map<string, Subscriber[]>> {
  const named = publications.flatMap((p) => [
    ...p.callbacks.flatMap((c) => c.endpoint_id ?? []),
    ...(p.onlyEndpointId === undefined ? [] : [p.onlyEndpointId]),
  ]);
  const subscribers = await findSubscribers(tx, {
    accountIds: [...new Set(publications.map((p) => p.accountId))],
    types: [...new Set(publications.map((p) => p.type))],
    named,
  });
  return Map.groupBy(subscribers, (s) => s.accountId);
}

function planAll(
  publications: readonly Publication[],
  subscribers: ReadonlyMap<string, Subscriber[]>,
): Receiver[][] {
  return publications.map((p) => {
    const own = subscribers.get(p.accountId) ?? [];
    if (p.onlyEndpointId === undefined) return planReceivers(p.type, p.callbacks, own);
    return own
      .filter(({ id }) => id === p.onlyEndpointId)
      .map(({ id, laneId, url }) => ({ kind: "endpoint", endpointId: id, laneId, url }));
  });
}

function originKey(
  { accountId }: Pick<Publication, "accountId">,
  { origin, ordered }: { origin: string; ordered: boolean },
): string {
  return `${accountId} ${ordered} ${origin}`;
}

/** The lanes of the callbacks' URLs, by `originKey`. */
async function findOrigins(
  tx: Tx,
  publications: readonly Publication[],
): Promise<Map<string, string>> {
  const wanted = new Map<string, OriginLane & { newId: string }>();
  for (const p of publications) {
    for (const r of planReceivers(p.type, p.callbacks, [])) {
      if (r.kind !== "url" || wanted.has(originKey(p, r))) continue;
      const { origin, ordered } = r;
      wanted.set(originKey(p, r), { accountId: p.accountId, origin, ordered, newId: newId() });
    }
  }
  if (wanted.size === 0) return new Map();
  const ids = await ensureOriginLanes(tx, [...wanted.values()]);
  return new Map([...wanted.keys()].map((key, index) => [key, ids[index]!]));
}

function newDelivery(
  publication: Publication,
  messageId: string,
  receiver: Receiver,
  laneId: string,
): NewDelivery {
  return {
    id: newId(),
    account_id: publication.accountId,
    message_id: messageId,
    job_id: publication.jobId,
    event_type: publication.type,
    endpoint_id: receiver.kind === "endpoint" ? receiver.endpointId : null,
    lane_id: laneId,
    lane_seq: null,
    url: receiver.url,
    overrides: receiver.kind === "endpoint" ? null : receiver.overrides,
    body_bytes: Buffer.byteLength(publication.body),
    created_at: publication.createdAt,
  };
}

async function placeInOrder(tx: Tx, deliveries: readonly NewDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  const byLane = Map.groupBy(deliveries, (d) => d.lane_id);
  const counts = new Map([...byLane].map(([id, own]) => [id, own.length]));
  const lastPlaces = await takePlaces(tx, counts);
  for (const [laneId, own] of byLane) {
    const first = lastPlaces.get(laneId)! - BigInt(own.length) + 1n;
    own.forEach((delivery, index) => (delivery.lane_seq = String(first + BigInt(index))));
  }
}

/** Whether a callback of the job wants an event, without asking the database. */
export function callbacksWant(callbacks: readonly Callback[], type: string): boolean {
  return callbacks.some(({ events }) => wantsEvent(events, type));
}
