import { JOB_STATUSES, MAX_LISTED_INPUT } from "../../core/model.ts";
import type { Job } from "../../core/model.ts";
import { parsePrefer, waitSeconds } from "../../core/prefer.ts";
import { Problem } from "../../core/problem.ts";
import { getJob } from "../../db/jobs/jobs.ts";
import { listJobs } from "../../db/jobs/lists.ts";
import { cancelJob } from "../../flow/jobs/cancel.ts";
import { waitForNews } from "../conditional-wait.ts";
import type { HttpContext } from "../http-context.ts";
import { jsonText, type Reply } from "../reply.ts";
import { entityTag, jobText, jobUrl, matchesTag, retryAfter } from "../views/job.ts";
import { pageReply } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { chosenOf, idPath, pageOf } from "../schemas/common.ts";
import { emptyBody, PREFER_HEADER } from "../schemas/request.ts";
import { job as jobSchema, jobsQuery } from "../schemas/job.ts";

const tag = "Jobs";

/** The job with the status, headers and validator that fit its state. */
export function jobReply(
  context: Pick<HttpContext, "config" | "vault" | "now">,
  status: number,
  job: Job,
  headers: Record<string, string> = {},
): Reply {
  const text = jobText(context, job);
  return jsonText(status, text, {
    etag: entityTag(text),
    ...retryAfter(job, context.now()),
    ...headers,
  });
}

export async function findJob(
  context: Pick<HttpContext, "pool">,
  accountId: string,
  id: string,
): Promise<Job> {
  const job = await getJob(context.pool, accountId, id);
  if (job === null) throw new Problem("not_found", "There is no such job.");
  return job;
}

const list = route({
  method: "get",
  path: "/v1/jobs",
  scopes: ["jobs"],
  operationId: "listJobs",
  tag,
  summary: "List jobs, newest first",
  description: `Inputs of more than ${MAX_LISTED_INPUT} bytes are left out: \`GET /v1/jobs/{id}\` has them.`,
  query: jobsQuery,
  responses: { 200: { description: "A page of jobs", schema: pageOf(jobSchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, query }) {
    return await pageReply(
      "jobs",
      query,
      (page) =>
        listJobs(context.lookups, accountId, {
          statuses: chosenOf(JOB_STATUSES, query.status, query.not_status),
          types: query.type,
          notTypes: query.not_type,
          since: query.since,
          until: query.until,
          ...page,
        }),
      (job) => jobText(context, job),
    );
  },
});

const get = route({
  method: "get",
  path: "/v1/jobs/{id}",
  scopes: ["jobs"],
  operationId: "getJob",
  tag,
  summary: "Look at a job, or wait for it",
  description:
    "With `Prefer: wait=N` the answer comes when the job has ended, at the latest after N seconds (60 at most). With `If-None-Match` as well it comes as soon as anything has changed.",
  headers: {
    ...PREFER_HEADER,
    "if-none-match": { description: "An `ETag` seen before: 304 while nothing has changed" },
  },
  params: idPath("job"),
  responses: {
    200: {
      description: "The job",
      schema: jobSchema,
      headers: {
        etag: "Changes with the job",
        "retry-after": "Seconds until a look is worth it; absent once the job has ended",
        "preference-applied": "What of `Prefer` was honoured",
        vary: "`Prefer`",
      },
    },
    304: { description: "Nothing has changed", headers: { etag: "As given" } },
  },
  problems: ["id_invalid", "not_found"],
  async handler(context, call) {
    const preferences = parsePrefer(call.header("prefer"));
    const ifNoneMatch = call.header("if-none-match");
    let job = await findJob(context, call.accountId, call.params.id);
    const waitS = waitSeconds(preferences);
    if (waitS > 0) {
      const wait = { ms: waitS * 1000, ifNoneMatch, gone: call.disconnected() };
      job = await waitForNews(context, job, wait);
    }
    const reply = jobReply(context, 200, job, {
      vary: "Prefer",
      ...(preferences.waitS === null ? {} : { "preference-applied": `wait=${waitS}` }),
    });
    if (!matchesTag(ifNoneMatch, reply.headers["etag"] ?? "")) return reply;
    const { "content-type": _, ...headers } = reply.headers;
    return { status: 304, headers, body: null };
  },
});

const cancel = route({
  method: "post",
  path: "/v1/jobs/{id}/cancel",
  scopes: ["jobs"],
  operationId: "cancelJob",
  tag,
  summary: "Cancel a job",
  description:
    "A pending job ends at once. A running one is told to stop, and is ended when it doesn't.",
  params: idPath("job"),
  body: emptyBody,
  bodyOptional: true,
  responses: { 202: { description: "The job, canceled or about to be", schema: jobSchema } },
  problems: ["id_invalid", "not_found", "job_finished"],
  async handler(context, { accountId, params }) {
    const job = await cancelJob(context, { accountId, jobId: params.id });
    const location = jobUrl(context.config.publicUrl, job.id);
    return jobReply(context, 202, job, { "content-location": location });
  },
});

export const jobRoutes: Route[] = [list, get, cancel];
