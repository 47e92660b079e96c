import type { Context } from "../context.ts";
import { SYSTEM, type Author } from "../../core/audit.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import { newId, uuidAt } from "../../core/ids.ts";
import type { Replay } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { planReceivers } from "../../core/receivers.ts";
import { getEndpoint } from "../../db/accounts/endpoints.ts";
import { takePositions } from "../../db/deliveries/lane-positions.ts";
import { shareLanes } from "../../db/deliveries/lanes.ts";
import { findMessagesFor, insertLateDeliveries, lockMessages } from "../../db/deliveries/missed.ts";
import type { LateDelivery, MissedMessage } from "../../db/deliveries/missed.ts";
import { insertReplay, queueForReplay } from "../../db/deliveries/replays.ts";
import { awaitProducers, forgetSkipped } from "../../db/deliveries/skipped.ts";
import { wake } from "../../db/queue/wake.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import { wakeSharedLanes } from "./publish.ts";
import { auditReplay } from "./replays.ts";

/** Messages examined in one step, and before anything is done. */
const LOOK = 500;
const COUNT_LOOK = 10_000;

export interface SendMissed {
  accountId: string;
  endpointId: string;
  /** Null: since the first that was left out. */
  since: Date | null;
  dryRun: boolean;
  by?: Author;
}

/**
 * Makes a replay that sends an endpoint what it did not get while it was disabled: messages that its
 * filter wants and no delivery was made for, each once, however often this is asked for.
 * @throws Problem not_found, endpoint_state
 */
export async function sendMissed(
  { pool }: Pick<Context, "pool">,
  { accountId, endpointId, since, dryRun, by = SYSTEM }: SendMissed,
): Promise<Replay> {
  return await inTransaction(pool, async (tx) => {
    const endpoint = await getEndpoint(tx, accountId, endpointId);
    if (endpoint === null) throw new Problem("not_found", "There is no such endpoint.");
    if (endpoint.state === "disabled" && !dryRun) {
      throw new Problem("endpoint_state", "the endpoint is disabled; enable it first");
    }
    const from = since ?? endpoint.skipped_since;
    const counted = from === null ? { matched: 0, exact: true } : await count(tx, endpoint, from);
    const replay = await insertReplay(tx, {
      id: newId(),
      account_id: accountId,
      action: "send_missed",
      target: "deliveries",
      order: "oldest_first",
      pace: null,
      start_at: null,
      destination: null,
      canary: null,
      left_out: [],
      note: null,
      key_id: null,
      filter: {
        status: "skipped",
        endpoint_id: endpointId,
        ...(from === null ? {} : { since: from }),
      },
      dry_run: dryRun,
      matched: counted.matched,
      // what is being left out just now is not counted
      matched_exact: counted.exact && (dryRun || from === null),
    });
    await auditReplay(tx, by, replay);
    if (replay.status === "running") {
      // what was left out before it was enabled is committed when the first step begins
      await awaitProducers(tx);
      await wake(tx, [{ task: "run-replay", id: replay.id, delayMs: 0 }]);
    }
    return replay;
  });
}

async function count(
  tx: Tx,
  endpoint: Endpoint,
  since: Date,
): Promise<{ matched: number; exact: boolean }> {
  const look = { accountId: endpoint.account_id, endpointId: endpoint.id };
  const from = uuidAt(since);
  const messages = await findMessagesFor(tx, { ...look, from, after: null, limit: COUNT_LOOK });
  const matched = messages.filter((message) => isMissed(endpoint, message)).length;
  return { matched, exact: messages.length < COUNT_LOOK };
}

export interface MissedStep {
  replayed: number;
  position: string | null;
  finished: boolean;
  /** The endpoint is there no more, or disabled again: the rest waits for another replay. */
  stopped: boolean;
}

/** One step of such a replay, in order of the messages. */
export async function sendSomeMissed(
  tx: Tx,
  replay: Replay & { position: string | null },
): Promise<MissedStep> {
  const { account_id: accountId, position, filter } = replay;
  const endpointId = filter.endpoint_id!;
  // two replays for one endpoint take turns, so none sends what the other has sent
  await queueForReplay(tx, endpointId);
  const endpoint = await getEndpoint(tx, accountId, endpointId);
  if (endpoint === null || endpoint.state === "disabled") {
    return { replayed: 0, position: null, finished: true, stopped: true };
  }
  const lanes = await shareLanes(tx, [endpoint.lane_id]);
  const from = uuidAt(filter.since!);
  const look = { accountId, endpointId, from, after: position, limit: LOOK };
  const messages = await findMessagesFor(tx, look);
  const missed = messages.filter((message) => isMissed(endpoint, message));
  if (missed.length > 0) {
    const to = { accountId, endpointId, laneId: endpoint.lane_id, url: endpoint.url };
    const isOrdered = lanes.get(endpoint.lane_id)!.ordered;
    await lockMessages(
      tx,
      missed.map(({ id }) => id),
    );
    await insertLateDeliveries(tx, to, await lateDeliveries(tx, to.laneId, isOrdered, missed));
    await wakeSharedLanes(tx, lanes);
  }
  const finished = messages.length < LOOK;
  const { skipped_since, updated_at } = endpoint;
  const isAll = skipped_since !== null && filter.since! <= skipped_since;
  // else it may have been disabled meanwhile, and have missed more
  const isUnchanged = updated_at <= replay.created_at;
  if (finished && isAll && isUnchanged) await forgetSkipped(tx, endpointId);
  const last = messages.at(-1)?.id ?? null;
  return { replayed: missed.length, position: last, finished, stopped: false };
}

async function lateDeliveries(
  tx: Tx,
  laneId: string,
  isOrdered: boolean,
  missed: readonly MissedMessage[],
): Promise<LateDelivery[]> {
  const last = isOrdered
    ? (await takePositions(tx, new Map([[laneId, missed.length]]))).get(laneId)!
    : null;
  return missed.map((message, index) => ({
    id: newId(),
    messageId: message.id,
    jobId: message.job_id,
    eventType: message.type,
    lanePosition: last === null ? null : String(last - BigInt(missed.length - 1 - index)),
    bodyBytes: message.body_bytes,
  }));
}

/** Whether the endpoint wants a message, as producers judge it, and has no delivery of it. */
function isMissed(endpoint: Endpoint, message: MissedMessage): boolean {
  // a test is for one endpoint only
  if (message.has_delivery || message.type === "endpoint.test") return false;
  const { id, lane_id: laneId, description, url, events, audience } = endpoint;
  const subscriber = { id, laneId, description, url, events, audience, disabled: false };
  return planReceivers(message.type, message.callbacks ?? [], [subscriber]).some(
    ({ kind }) => kind === "endpoint",
  );
}
