import { z } from "zod";
import { ENDPOINT_STATUSES } from "../../core/endpoint.ts";
import { cappedCount, idText, timeText } from "./common.ts";
import { endpointDescription } from "./receiver.ts";

export const overview = z
  .strictObject({
    jobs: z.strictObject({ pending: cappedCount, running: cappedCount }),
    deliveries: z.strictObject({
      pending: cappedCount,
      oldest_due_at: timeText.nullable().meta({
        description:
          "Since when the longest due lane has waited, without what a pause, an open breaker or a rate limit holds back; null: none is late",
      }),
    }),
    dead_letters: cappedCount,
    lanes: z.strictObject({
      total: z.int(),
      failing: z.int().meta({ description: "Those with something pending" }),
      paused: z.int(),
      disabled: z.int(),
    }),
    workers: z
      .strictObject({ alive: z.int(), silent: z.int(), compute: z.int(), deliver: z.int() })
      .meta({ description: "Of all accounts; `compute` and `deliver`: alive with this role" }),
  })
  .meta({ id: "Overview" });

export const worker = z
  .strictObject({
    id: idText("worker"),
    hostname: z.string(),
    pid: z.int(),
    version: z.string(),
    roles: z.array(z.string()),
    state: z.enum(["alive", "silent"]).meta({
      description: "`silent`: no heartbeat for 3 s; its work is recovered if its lock is free",
    }),
    heartbeat_at: timeText,
    started_at: timeText,
    running_jobs: z.int(),
    leased_lanes: z.int(),
  })
  .meta({ id: "Worker" });

export const lane = z
  .strictObject({
    id: idText("lane"),
    endpoint_id: idText("endpoint").nullable(),
    origin: z.string().nullable().meta({ description: "Of callback URLs; null for an endpoint" }),
    endpoint_description: endpointDescription,
    url: z.string().nullable().meta({ description: "The endpoint's" }),
    ordered: z.boolean(),
    status: z.enum(ENDPOINT_STATUSES).meta({
      description: "As an endpoint's; `failing`: the breaker is open, or a probe is next",
    }),
    reason: z.string().nullable(),
    until: timeText
      .nullable()
      .meta({ description: "When the next probe of a failing lane is sent" }),
    pending: cappedCount,
    oldest_due_at: timeText.nullable().meta({
      description: "Since when the lane's next delivery is due, held or not; null: none is due",
    }),
  })
  .meta({ id: "Lane" });

export const settings = z
  .strictObject({
    version: z.string(),
    public_url: z.string(),
    retention: z
      .strictObject({
        jobs_days: z.number(),
        deliveries_days: z.number(),
        dead_letters_days: z.number(),
        audit_days: z.number(),
      })
      .meta({ description: "Days that things are kept at least; they go by whole weeks" }),
    targets: z.strictObject({
      allow: z.array(z.string()).meta({ description: "Private ranges that may be called" }),
    }),
    idempotency_hours: z.number(),
    roles: z.array(z.string()).meta({ description: "Of the process that answers" }),
    development: z.boolean(),
  })
  .meta({ id: "Settings" });

/** Bodies of answers. */
export type LaneBody = z.input<typeof lane>;
export type WorkerBody = z.input<typeof worker>;
