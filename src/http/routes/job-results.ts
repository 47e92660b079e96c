import { z } from "zod";
import { Problem } from "../../core/problem.ts";
import { listDeliveries } from "../../db/deliveries/deliveries.ts";
import { getJobResult } from "../../db/jobs/jobs.ts";
import { jsonText, seeOther } from "../reply.ts";
import { deliveryView } from "../views/delivery.ts";
import { withHeld } from "../views/held.ts";
import { isFinished, jobErrorOf, jobUrl, retryAfter } from "../views/job.ts";
import { pageReply } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf, pageQuery } from "../schemas/common.ts";
import { delivery as deliverySchema } from "../schemas/delivery.ts";
import { job as jobSchema } from "../schemas/job.ts";
import { findJob, jobReply } from "./jobs.ts";

const tag = "Jobs";
const RETRY_AFTER = { "retry-after": "Seconds until a look is worth it" };

const status = route({
  method: "get",
  path: "/v1/jobs/{id}/status",
  scopes: ["jobs:read"],
  operationId: "getJobStatus",
  tag,
  summary: "Poll a job",
  description: "For clients that follow redirects: it ends at the result.",
  params: idPath("job"),
  responses: {
    200: { description: "Not completed", schema: jobSchema, headers: RETRY_AFTER },
    303: { description: "Completed", headers: { location: "The result" } },
  },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params }) {
    const job = await findJob(context, accountId, params.id);
    if (job.status !== "completed") return jobReply(context, 200, job);
    return seeOther(`${jobUrl(context.config.publicUrl, job.id)}/result`);
  },
});

const result = route({
  method: "get",
  path: "/v1/jobs/{id}/result",
  scopes: ["jobs:read"],
  operationId: "getJobResult",
  tag,
  summary: "Fetch a job's result",
  description:
    "Before the end it is the problem `job_unfinished`, whose `Retry-After` says when a look is worth it.",
  params: idPath("job"),
  responses: {
    200: {
      description: "The result, as it was computed",
      schema: z.unknown().meta({ description: "Fits the job type's result schema" }),
    },
  },
  problems: ["id_invalid", "not_found", "job_unfinished", "job_not_completed"],
  async handler(context, { accountId, params }) {
    const job = await findJob(context, accountId, params.id);
    if (job.status === "completed") {
      const text = job.result ?? (await getJobResult(context.pool, accountId, job.id));
      return jsonText(200, text ?? "null");
    }
    if (!isFinished(job.status)) {
      const detail = `The job is ${job.status}. It has a result once it has completed.`;
      throw new Problem("job_unfinished", detail, { headers: retryAfter(job, context.now()) });
    }
    const error = jobErrorOf(job);
    throw new Problem(
      "job_not_completed",
      `The job has ${job.status === "failed" ? "failed" : "been canceled"}: ${error?.code} (${error?.message})`,
      { members: { job_error: error } },
    );
  },
});

const deliveries = route({
  method: "get",
  path: "/v1/jobs/{id}/deliveries",
  scopes: ["jobs:read", "webhooks:read"],
  operationId: "listJobDeliveries",
  tag,
  summary: "List a job's deliveries, newest first",
  description: "Also of a job that retention has deleted, as long as its deliveries are kept.",
  params: idPath("job"),
  query: z.strictObject(pageQuery),
  responses: { 200: { description: "A page of deliveries", schema: pageOf(deliverySchema) } },
  problems: ["id_invalid", "not_found", "query_invalid", "cursor_invalid"],
  async handler(context, { accountId, params, query }) {
    const jobId = params.id;
    const [one] = await listDeliveries(context.lookups, accountId, { jobId, limit: 1 });
    if (one === undefined) await findJob(context, accountId, jobId);
    return await pageReply(
      "deliveries",
      query,
      async (page) =>
        await withHeld(
          context,
          await listDeliveries(context.lookups, accountId, { jobId, ...page }),
        ),
      (row) => JSON.stringify(deliveryView(row)),
    );
  },
});

export const jobResultRoutes: Route[] = [status, result, deliveries];
