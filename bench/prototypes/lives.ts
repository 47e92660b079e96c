import { randomBytes } from "node:crypto";
import { newId } from "../../src/core/ids.ts";
import type { NewDelivery } from "../../src/db/deliveries/deliveries.ts";
import type { NewMessage } from "../../src/db/deliveries/messages.ts";
import type { Settlement } from "../../src/db/deliveries/settlements.ts";
import type { Tx } from "../../src/db/transaction.ts";
import { webhookBodies } from "../bodies.ts";
import type { BenchAccount, BenchLane } from "../database.ts";
import type { Mark } from "./measure.ts";

/** A delivery in hand, by the columns that settling it needs. */
export interface Due {
  id: string;
  body: string;
}

/** One way to store deliveries: its tables beside the real ones, and the statements of a life. */
export interface DeliveryVariant {
  name: string;
  /** Statements on a migrated database without rows. */
  schema: string;
  /** A setting of its sessions. */
  session?: string;
  /** Whether a delivery's id follows from its message's. */
  derived: boolean;
  tables: readonly string[];
  make(tx: Tx, messages: readonly NewMessage[], deliveries: readonly NewDelivery[]): Promise<void>;
  read(tx: Tx, laneId: string, rows: number): Promise<Due[]>;
  settle(tx: Tx, settlements: readonly Settlement[]): Promise<number>;
  /** Lists by name: SQL, with the account as $1, an endpoint as $2, a message as $3. */
  lists: Readonly<Record<string, string>>;
  /** Inserts of kept deliveries from `g`, of which every hundredth died. */
  fill: readonly string[];
}

const BODIES = webhookBodies();
const HEADERS = JSON.stringify({
  "content-type": "application/json",
  "user-agent": "Ringback/0.1",
  "webhook-signature": `v1,${randomBytes(32).toString("base64")}`,
});

/** Makes, reads and settles `size` deliveries of one lane. */
export async function liveDeliveries(
  variant: DeliveryVariant,
  tx: Tx,
  account: BenchAccount,
  lane: BenchLane,
  size: number,
  mark: Mark,
): Promise<void> {
  await makeDeliveries(variant, tx, account, lane, size);
  mark("make");
  const due = await variant.read(tx, lane.laneId, size);
  mark("read");
  const settled = await variant.settle(
    tx,
    due.map(({ id }) => delivered(id, lane)),
  );
  mark("settle");
  if (settled !== size) throw new Error(`${variant.name}: ${settled} of ${size} were settled`);
}

/** Makes `size` deliveries of one lane, which are due. */
export async function makeDeliveries(
  variant: DeliveryVariant,
  tx: Tx,
  account: BenchAccount,
  lane: BenchLane,
  size: number,
): Promise<void> {
  const createdAt = new Date();
  const messages = Array.from({ length: size }, (_, index): NewMessage => {
    return {
      id: variant.derived ? newId().slice(0, 32) + "0000" : newId(),
      account_id: account.id,
      job_id: null,
      type: "job.completed",
      body: BODIES[index % BODIES.length]!,
      delivery_count: 1,
      request_id: `req-${randomBytes(8).toString("hex")}`,
      trace_id: randomBytes(16).toString("hex"),
      created_at: createdAt,
    };
  });
  const deliveries = messages.map((message): NewDelivery => {
    return {
      id: variant.derived ? message.id.slice(0, 32) + "0001" : newId(),
      account_id: account.id,
      message_id: message.id,
      job_id: null,
      event_type: message.type,
      endpoint_id: lane.endpointId,
      lane_id: lane.laneId,
      lane_position: null,
      url: lane.url,
      overrides: null,
      body_bytes: Buffer.byteLength(message.body),
      created_at: createdAt,
    };
  });
  await variant.make(tx, messages, deliveries);
}

function delivered(deliveryId: string, { laneId }: BenchLane): Settlement {
  return {
    deliveryId,
    laneId,
    epoch: "0",
    number: 1,
    outcome: "delivered",
    delayMs: null,
    reason: null,
    detail: null,
    attempt: {
      id: newId(),
      url: null,
      remoteAddress: "127.0.0.1",
      startedAt: new Date(),
      durationMs: 3.25,
      statusCode: 200,
      errorCode: null,
      errorMessage: null,
      requestHeaders: HEADERS,
      responseHeaders: `{"content-length":"2","date":"Thu, 01 Jan 2026 00:00:00 GMT"}`,
      responseBody: "ok",
      responseTruncated: false,
      manual: false,
    },
  };
}
