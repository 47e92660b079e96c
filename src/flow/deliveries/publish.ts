import { newId } from "../../core/ids.ts";
import type { SealedCallback } from "../../core/model.ts";
import { planReceivers, wantsEvent } from "../../core/receivers.ts";
import type { PlannedReceiver, Subscriber } from "../../core/receivers.ts";
import type { NewDelivery } from "../../db/deliveries/deliveries.ts";
import type { DueDelivery } from "../../db/deliveries/due.ts";
import { insertOriginLanes } from "../../db/deliveries/lanes.ts";
import type { SharedLane, OriginLane } from "../../db/deliveries/lanes.ts";
import { insertMessages } from "../../db/deliveries/messages.ts";
import { nudgeProcesses } from "../../db/nudges.ts";
import { takePositions } from "../../db/deliveries/lane-positions.ts";
import { wake } from "../../db/queue/wake.ts";
import { shareReceivers } from "../../db/deliveries/receivers.ts";
import { countSkipped, findDisabled } from "../../db/deliveries/skipped.ts";
import type { Skipped } from "../../db/deliveries/skipped.ts";
import { withCommit } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";

/** The facts that decide who receives a message. */
export interface Audience {
  accountId: string;
  type: string;
  /** The job's callbacks; endpoints of the account receive by their own filter. */
  callbacks: readonly SealedCallback[];
  /** The only endpoints that receive, whatever their filters. */
  onlyEndpointIds?: readonly string[];
}

/** A message to be made, and its audience. */
export interface Publication extends Audience {
  /** An id that the caller has made; else made here. */
  messageId?: string;
  jobId: string | null;
  body: string;
  /** JSON text of an object, of a message of the account's own; absent: empty. */
  metadata?: string | undefined;
  createdAt: Date;
  requestId: string;
  traceId: string;
}

export interface Published {
  /** Null when the message was not made: an event of a job that nobody wants. */
  messageId: string | null;
  deliveries: NewDelivery[];
}

/** The lanes of a process that makes deliveries due. */
export interface OwnLanes {
  workerId: string;
  /**
   * Lanes of this process that received deliveries: the caller nudges them after the commit.
   * Unordered lanes carry the deliveries, so the pump need not read them.
   */
  toNudge: Map<string, DueDelivery[]>;
}

/** The possible receivers of an audience, with their lanes shared until the commit. */
export interface Receivers {
  subscribers: ReadonlyMap<string, Subscriber[]>;
  /** The lanes of the callbacks' URLs, by `originKey`. */
  origins: ReadonlyMap<string, string>;
  lanes: ReadonlyMap<string, SharedLane>;
}

/** A publication and what is to be stored of it. */
export interface PlannedMessage extends Published {
  publication: Publication;
  /** Endpoints that do not get it, as they are disabled. */
  skipped: string[];
}

/**
 * Makes messages, their deliveries and the wake-ups of their lanes in the caller's transaction, so
 * they commit with the events that they report.
 * @param shared the receivers of all publications, when the caller has read them before
 */
export async function publish(
  tx: Tx,
  publications: readonly Publication[],
  own?: OwnLanes,
  shared?: Receivers,
): Promise<Published[]> {
  if (publications.length === 0) return [];
  const receivers = shared ?? (await findReceivers(tx, publications));
  const planned = planMessages(publications, receivers);
  await storeMessages(tx, planned, receivers, own);
  return planned;
}

/** Decides who receives what; nothing is written yet. */
export function planMessages(
  publications: readonly Publication[],
  receivers: Receivers,
): PlannedMessage[] {
  const plans = planAll(publications, receivers);
  return publications.map((publication, index): PlannedMessage => {
    const messageId = publication.messageId ?? newId();
    const skipped = plans[index]!.flatMap((r) =>
      r.kind === "endpoint" && r.disabled ? [r.endpointId] : [],
    );
    const sent = plans[index]!.filter((r) => r.kind !== "endpoint" || !r.disabled);
    const deliveries = sent.map((receiver) => {
      const laneId =
        receiver.kind === "endpoint"
          ? receiver.laneId
          : receivers.origins.get(originKey(publication, receiver))!;
      return newDelivery(publication, messageId, receiver, laneId);
    });
    // what an endpoint misses is kept, to be sent to it later
    const made = deliveries.length > 0 || skipped.length > 0 || publication.jobId === null;
    return { publication, messageId: made ? messageId : null, deliveries, skipped };
  });
}

/** Stores planned messages with their deliveries, and wakes the lanes, which the caller shares. */
export async function storeMessages(
  tx: Tx,
  planned: readonly PlannedMessage[],
  receivers: Pick<Receivers, "lanes">,
  own?: OwnLanes,
): Promise<void> {
  const deliveries = planned.flatMap((one) => one.deliveries);
  const lanes = new Map(deliveries.map(({ lane_id }) => [lane_id, receivers.lanes.get(lane_id)!]));
  await positionInOrder(
    tx,
    deliveries.filter((d) => lanes.get(d.lane_id)?.ordered),
  );
  const messages = planned.flatMap(({ publication: p, messageId, deliveries: made }) => {
    if (messageId === null) return [];
    return {
      id: messageId,
      account_id: p.accountId,
      job_id: p.jobId,
      type: p.type,
      body: p.body,
      metadata: p.metadata ?? "{}",
      created_at: p.createdAt,
      request_id: p.requestId,
      trace_id: p.traceId,
      delivery_count: made.length,
    };
  });
  const skipped = skippedBy(planned);
  if (skipped.length > 0) withCommit(tx, () => countSkipped(tx, skipped));
  if (messages.length > 0) withCommit(tx, () => insertMessages(tx, messages, deliveries));
  await wakeSharedLanes(tx, lanes, own);
  for (const { publication, deliveries: made } of planned) {
    for (const delivery of made) {
      if (delivery.lane_position !== null) continue;
      own?.toNudge.get(delivery.lane_id)?.push(asDue(delivery, publication));
    }
  }
}

function skippedBy(planned: readonly PlannedMessage[]): Skipped[] {
  const byEndpoint = new Map<string, Skipped>();
  for (const { publication, skipped } of planned) {
    for (const endpointId of skipped) {
      const { count = 0, since = publication.createdAt } = byEndpoint.get(endpointId) ?? {};
      const first = publication.createdAt < since ? publication.createdAt : since;
      byEndpoint.set(endpointId, { endpointId, count: count + 1, since: first });
    }
  }
  return [...byEndpoint.values()];
}

/** Wakes lanes that the caller shares and has made deliveries due in. */
export async function wakeSharedLanes(
  tx: Tx,
  lanes: ReadonlyMap<string, { leased_by: string | null }>,
  own?: OwnLanes,
): Promise<void> {
  const free: string[] = [];
  const elsewhere: string[] = [];
  for (const [id, { leased_by }] of lanes) {
    if (leased_by === null) free.push(id);
    else if (leased_by === own?.workerId) own.toNudge.set(id, []);
    else elsewhere.push(id);
  }
  await Promise.all([elsewhere.length > 0 && nudgeProcesses(tx, elsewhere), wakeLanes(tx, free)]);
}

/** Queues wake-ups, due now. The caller shares or has locked the lanes. */
export async function wakeLanes(tx: Tx, laneIds: readonly string[]): Promise<void> {
  await wake(
    tx,
    laneIds.map((id) => ({ task: "pump-lane", id, delayMs: 0 })),
  );
}

/** Finds the receivers of these audiences, and shares their lanes; makes lanes of new origins. */
export async function findReceivers(tx: Tx, audiences: readonly Audience[]): Promise<Receivers> {
  const origins = originsOf(audiences);
  const wanted = {
    types: typesOf(audiences),
    named: audiences.flatMap((a) => [
      ...a.callbacks.flatMap((c) => c.endpoint_id ?? []),
      ...(a.onlyEndpointIds ?? []),
    ]),
    origins: [...origins.values()],
  };
  let found = await shareReceivers(tx, wanted);
  if (found.originLanes.includes(null)) {
    await insertOriginLanes(
      tx,
      wanted.origins.map((origin) => ({ ...origin, newId: newId() })),
    );
    found = await shareReceivers(tx, wanted);
  }
  const disabled = found.subscribers.flatMap((s) => (s.disabled ? [s.id] : []));
  const still = disabled.length === 0 ? null : await findDisabled(tx, disabled);
  for (const one of found.subscribers) one.disabled = still?.has(one.id) ?? false;
  return {
    subscribers: Map.groupBy(found.subscribers, (s) => s.accountId),
    origins: new Map([...origins.keys()].map((key, index) => [key, found.originLanes[index]!])),
    lanes: found.lanes,
  };
}

function typesOf(audiences: readonly Audience[]): { accountId: string; type: string }[] {
  const types = new Map(audiences.map((a) => [`${a.accountId} ${a.type}`, a]));
  return [...types.values()].map(({ accountId, type }) => ({ accountId, type }));
}

function originsOf(audiences: readonly Audience[]): Map<string, OriginLane> {
  const origins = new Map<string, OriginLane>();
  for (const a of audiences) {
    for (const r of planReceivers(a.type, a.callbacks, [])) {
      if (r.kind !== "url") continue;
      const { origin, ordered } = r;
      origins.set(originKey(a, r), { accountId: a.accountId, origin, ordered });
    }
  }
  return origins;
}

function planAll(
  audiences: readonly Audience[],
  { subscribers }: Pick<Receivers, "subscribers">,
): PlannedReceiver[][] {
  return audiences.map((a) => {
    const own = subscribers.get(a.accountId) ?? [];
    const only = a.onlyEndpointIds;
    if (only === undefined) return planReceivers(a.type, a.callbacks, own);
    return own
      .filter(({ id }) => only.includes(id))
      .map(({ id, laneId, description, url, disabled }) => ({
        kind: "endpoint",
        endpointId: id,
        laneId,
        description,
        url,
        disabled,
      }));
  });
}

function originKey(
  { accountId }: Pick<Audience, "accountId">,
  { origin, ordered }: { origin: string; ordered: boolean },
): string {
  return `${accountId} ${ordered} ${origin}`;
}

function newDelivery(
  publication: Publication,
  messageId: string,
  receiver: PlannedReceiver,
  laneId: string,
): NewDelivery {
  return {
    id: newId(),
    account_id: publication.accountId,
    message_id: messageId,
    job_id: publication.jobId,
    event_type: publication.type,
    endpoint_id: receiver.kind === "endpoint" ? receiver.endpointId : null,
    endpoint_description: receiver.kind === "endpoint" ? receiver.description : null,
    lane_id: laneId,
    lane_position: null,
    url: receiver.url,
    overrides: receiver.kind === "endpoint" ? null : receiver.overrides,
    body_bytes: Buffer.byteLength(publication.body),
    created_at: publication.createdAt,
  };
}

/** The delivery as a read would return it. */
function asDue(delivery: NewDelivery, { body, requestId, traceId }: Publication): DueDelivery {
  const { created_at, overrides } = delivery;
  const ownLimitS = overrides?.give_up_after_s;
  return {
    ...delivery,
    attempt_count: 0,
    free_attempts: 0,
    budget_from: created_at,
    give_up_at: ownLimitS === undefined ? null : new Date(created_at.getTime() + ownLimitS * 1_000),
    manual: false,
    beside: false,
    body,
    request_id: requestId,
    trace_id: traceId,
  };
}

/** Gives positions to deliveries of ordered lanes, which the caller shares. */
export async function positionInOrder(tx: Tx, deliveries: readonly NewDelivery[]): Promise<void> {
  if (deliveries.length === 0) return;
  const byLane = Map.groupBy(deliveries, (d) => d.lane_id);
  const counts = new Map([...byLane].map(([id, own]) => [id, own.length]));
  const lastPositions = await takePositions(tx, counts);
  for (const [laneId, own] of byLane) {
    const first = lastPositions.get(laneId)! - BigInt(own.length) + 1n;
    own.forEach((delivery, index) => (delivery.lane_position = String(first + BigInt(index))));
  }
}

/** Whether a callback of the job wants an event, without asking the database. */
export function callbacksWant(callbacks: readonly SealedCallback[], type: string): boolean {
  return callbacks.some(({ events }) => wantsEvent(events, type));
}
