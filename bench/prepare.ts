import { randomBytes } from "node:crypto";
import { newId } from "../src/core/ids.ts";
import { insertMessages } from "../src/db/deliveries/messages.ts";
import { wake } from "../src/db/queue/wake.ts";
import { singleStatement } from "../src/db/transaction.ts";
import type { BenchLane } from "./accounts.ts";
import type { Bench } from "./bench.ts";
import type { BenchDatabase } from "./database.ts";

const BATCH_ROWS = 2_000;
const BATCH_BYTES = 8_000_000;

export interface Backlog {
  deliveries: number;
  accountId: string;
  /** In turn. */
  lanes: readonly BenchLane[];
  bodies: readonly string[];
}

/**
 * Messages with one pending delivery each, due now, by the statements that the product itself
 * uses. Their lanes have no wake-ups yet: `queueWakeUps` queues them.
 */
export async function prepareBacklog(
  { tell }: Pick<Bench, "tell">,
  { pool }: BenchDatabase,
  { deliveries, accountId, lanes, bodies }: Backlog,
): Promise<void> {
  const tx = singleStatement(pool);
  const perBatch = Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / bodies[0]!.length)));
  tell(`preparing ${deliveries} deliveries over ${lanes.length} lanes`);
  for (let done = 0; done < deliveries; done += perBatch) {
    const createdAt = new Date();
    const rows = Array.from({ length: Math.min(perBatch, deliveries - done) }, (_, index) => {
      const lane = lanes[(done + index) % lanes.length]!;
      const body = bodies[(done + index) % bodies.length]!;
      return { lane, body, id: newId(), requestId: `drain-${done + index}` };
    });
    await insertMessages(
      tx,
      rows.map(({ id, lane, body, requestId }) => ({
        id,
        account_id: accountId,
        job_id: null,
        type: lane.eventType,
        body,
        metadata: "{}",
        created_at: createdAt,
        request_id: requestId,
        trace_id: randomBytes(16).toString("hex"),
        delivery_count: 1,
      })),
      rows.map(({ id, lane, body }) => ({
        id: newId(),
        account_id: accountId,
        message_id: id,
        job_id: null,
        event_type: lane.eventType,
        endpoint_id: lane.endpointId,
        endpoint_description: null,
        lane_id: lane.laneId,
        lane_position: null,
        url: lane.url,
        overrides: null,
        body_bytes: Buffer.byteLength(body),
        created_at: createdAt,
      })),
    );
  }
  await settleDown(pool);
}

/** So that no measurement pays for the writes of its preparation. */
export async function settleDown(pool: BenchDatabase["pool"]): Promise<void> {
  await pool.query("vacuum analyze");
  // a given role may lack the right
  await pool.query("checkpoint").catch(() => undefined);
}

/** Queues the wake-ups of lanes, as those who make deliveries do. */
export async function queueWakeUps(
  { pool }: BenchDatabase,
  lanes: readonly BenchLane[],
): Promise<void> {
  await wake(
    singleStatement(pool),
    lanes.map(({ laneId: id }) => ({ task: "pump-lane", id, delayMs: 0 })),
  );
}
