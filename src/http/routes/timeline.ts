import { z } from "zod";
import { listAttemptsOf, listJobDeliveries } from "../../db/jobs/timeline.ts";
import { json } from "../reply.ts";
import { withHeld } from "../views/held.ts";
import { TIMELINE_KINDS, timelineView } from "../views/timeline.ts";
import { route, type Route } from "../route.ts";
import { idPath, idText, timeText } from "../schemas/common.ts";
import { findJob } from "./jobs.ts";

const entry = z
  .strictObject({
    at: timeText,
    kind: z.enum(TIMELINE_KINDS),
    title: z.string().optional(),
    ended_at: timeText.nullable().optional(),
    duration_ms: z.number().nullable().optional(),
    run: z.int().optional(),
    message_id: idText("message").optional(),
    event_type: z.string().optional(),
    delivery_id: idText("delivery").optional(),
    url: z.string().optional(),
    attempt_number: z.int().optional(),
    status_code: z.int().nullable().optional(),
    error_code: z.string().nullable().optional(),
    outcome: z.string().optional(),
    detail: z.string().nullable().optional(),
  })
  .meta({ id: "TimelineEntry" });

export const timelineRoute: Route = route({
  method: "get",
  path: "/v1/jobs/{id}/timeline",
  scopes: ["jobs:read"],
  operationId: "getJobTimeline",
  tag: "Jobs",
  summary: "What happened to a job, from its acceptance to the last attempt",
  description:
    "Oldest first; `next_attempt` is still to come, and is later while its `outcome` is `held`. Of a job with a great many receivers, the first 200 deliveries and 1,000 attempts.",
  params: idPath("job"),
  responses: {
    200: { description: "The timeline", schema: z.strictObject({ data: z.array(entry) }) },
  },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params }) {
    const job = await findJob(context, accountId, params.id);
    const found = await listJobDeliveries(context.pool, accountId, job.id);
    const deliveries = await withHeld(context, found);
    const attempts = await listAttemptsOf(
      context.pool,
      deliveries.map(({ id }) => id),
    );
    return json(200, { data: timelineView(job, deliveries, attempts) });
  },
});
