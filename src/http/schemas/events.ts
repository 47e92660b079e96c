import { z } from "zod";
import { JOB_EVENTS, JOB_STATUSES, type JobEventType } from "../../core/model.ts";
import { exampleId, idText, jsonObject, timeText } from "./common.ts";
import { jobError } from "./job.ts";

const common = {
  job_id: idText("job"),
  job_type: z.string(),
  status: z.enum(JOB_STATUSES),
  run: z.int(),
  metadata: jsonObject,
  created_at: timeText,
  started_at: timeText.nullable(),
  finished_at: timeText.nullable(),
};

const data: Record<JobEventType, z.ZodObject> = {
  "job.started": z.strictObject({ ...common, status: z.literal("running") }),
  "job.progress": z.strictObject({
    ...common,
    status: z.literal("running"),
    progress: z.strictObject({
      fraction: z.number(),
      message: z.string().nullable(),
      data: z.unknown().optional(),
    }),
  }),
  "job.completed": z.strictObject({
    ...common,
    status: z.literal("completed"),
    result: z.unknown().optional().meta({ description: "Up to 64 KiB" }),
    result_url: z.string().optional().meta({ description: "Where a larger result is" }),
  }),
  "job.failed": z.strictObject({ ...common, status: z.literal("failed"), error: jobError }),
  "job.canceled": z.strictObject({ ...common, status: z.literal("canceled"), error: jobError }),
};

function pascal(event: JobEventType): string {
  return event.replace(/(^|\.)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
}

function eventSchema(event: JobEventType): z.ZodObject {
  return z.strictObject({ type: z.literal(event), timestamp: timeText, data: data[event] }).meta({
    id: `${pascal(event)}Event`,
    ...(event === "job.completed" ? { example: COMPLETED } : {}),
  });
}

const COMPLETED = {
  type: "job.completed",
  timestamp: "2026-11-21T10:15:30.009Z",
  data: {
    job_id: exampleId("job"),
    job_type: "demo.echo",
    status: "completed",
    run: 1,
    metadata: { order: "A-1001" },
    result: { hello: "world" },
    created_at: "2026-11-21T10:15:30.000Z",
    started_at: "2026-11-21T10:15:30.004Z",
    finished_at: "2026-11-21T10:15:30.009Z",
  },
};

/** The bodies of the webhooks about jobs, by event. */
export const jobEventSchemas: ReadonlyMap<JobEventType, z.ZodObject> = new Map(
  JOB_EVENTS.map((event) => [event, eventSchema(event)]),
);
