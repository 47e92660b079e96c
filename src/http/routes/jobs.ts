import { z } from "zod";
import { encodeCursor } from "../../core/cursor.ts";
import { formatId } from "../../core/ids.ts";
import { JOB_STATUSES, MAX_FAILURES, MAX_LISTED_INPUT } from "../../core/model.ts";
import type { Job, ShownJob } from "../../core/model.ts";
import { parsePrefer, waitSeconds } from "../../core/prefer.ts";
import { Problem } from "../../core/problem.ts";
import { getJob } from "../../db/jobs/jobs.ts";
import { listJobs } from "../../db/jobs/lists.ts";
import { listFailedJobGroups } from "../../db/jobs/retries.ts";
import { cancelJob } from "../../flow/jobs/cancel.ts";
import { retryJob } from "../../flow/jobs/retry.ts";
import { waitForNews } from "../conditional-wait.ts";
import type { HttpContext } from "../http-context.ts";
import { keyedPage } from "../keyed-page.ts";
import { json, jsonText, type Reply } from "../reply.ts";
import { isoTime } from "../views/common.ts";
import { entityTag, jobText, jobUrl, matchesTag, retryAfter } from "../views/job.ts";
import { withWaiting, type Waiting } from "../views/job-wait.ts";
import { pageText, readPage } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { chosenOf, idPath, pageOf } from "../schemas/common.ts";
import { emptyBody, PREFER_HEADER } from "../schemas/request.ts";
import {
  failedJobGroup,
  job as jobSchema,
  jobsQuery,
  type FailedJobGroupBody,
} from "../schemas/job.ts";

const tag = "Jobs";

/** The job with the status, headers and validator that fit its state. */
export function jobReply(
  context: Pick<HttpContext, "config" | "vault" | "now">,
  status: number,
  job: Job & Waiting,
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
): Promise<ShownJob> {
  const job = await getJob(context.pool, accountId, id);
  if (job === null) throw new Problem("not_found", "There is no such job.");
  return job;
}

const list = route({
  method: "get",
  path: "/v1/jobs",
  scopes: ["jobs:read"],
  operationId: "listJobs",
  tag,
  summary: "List jobs, newest first",
  description: `Inputs of more than ${MAX_LISTED_INPUT} bytes are left out: \`GET /v1/jobs/{id}\` has them.`,
  query: jobsQuery,
  responses: { 200: { description: "A page of jobs", schema: pageOf(jobSchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, query }) {
    let lookedUntil: string | null = null;
    const { items, next } = await readPage(
      "jobs",
      query,
      async (page) => {
        const looked = await keyedPage(context.lookups, accountId, query, page.before);
        lookedUntil = looked.lookedUntil;
        const jobs = await listJobs(context.lookups, accountId, {
          statuses: chosenOf(JOB_STATUSES, query.status, query.not_status),
          types: query.type,
          notTypes: query.not_type,
          keyed: looked.keyed,
          since: query.since,
          until: query.until,
          ...page,
        });
        return await withWaiting(context, jobs);
      },
      (job) => jobText(context, job),
    );
    const end = next ?? (lookedUntil === null ? null : encodeCursor("jobs", lookedUntil));
    return jsonText(200, pageText({ items, next: end }));
  },
});

const get = route({
  method: "get",
  path: "/v1/jobs/{id}",
  scopes: ["jobs:read"],
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
    let job: Job = await findJob(context, call.accountId, call.params.id);
    const waitS = waitSeconds(preferences);
    if (waitS > 0) {
      const wait = { ms: waitS * 1000, ifNoneMatch, gone: call.disconnected() };
      job = await waitForNews(context, job, wait);
    }
    const [shown = job] = await withWaiting(context, [job], true);
    const reply = jobReply(context, 200, shown, {
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

const retry = route({
  method: "post",
  path: "/v1/jobs/{id}/retry",
  scopes: ["jobs"],
  operationId: "retryJob",
  tag,
  summary: "Run a failed job again",
  description:
    "A new job with the same input, callbacks and metadata, whose `retry_of` names this one; its callbacks are told anew. A job is retried once: when the new one fails, retry that.",
  params: idPath("job"),
  body: emptyBody,
  bodyOptional: true,
  responses: {
    202: {
      description: "The new job",
      schema: jobSchema,
      headers: { location: "The new job" },
    },
  },
  problems: ["id_invalid", "not_found", "job_state", "job_retried"],
  async handler(context, { accountId, params, requestId }) {
    const job = await retryJob(context, { accountId, jobId: params.id, requestId });
    return jobReply(context, 202, job, { location: jobUrl(context.config.publicUrl, job.id) });
  },
});

const failures = route({
  method: "get",
  path: "/v1/failed-jobs/groups",
  scopes: ["jobs:read"],
  operationId: "listFailedJobGroups",
  tag,
  summary: "Count failed jobs by type and error",
  description: `Among the newest ${MAX_FAILURES} failed jobs, those that were not retried. The group with the newest one comes first.`,
  responses: {
    200: {
      description: "The groups",
      schema: z.strictObject({
        data: z.array(failedJobGroup),
        more: z
          .boolean()
          .meta({ description: "There are older failed jobs that don't count here" }),
      }),
    },
  },
  problems: [],
  async handler({ lookups }, { accountId }) {
    const { looked, groups } = await listFailedJobGroups(lookups, accountId);
    const data = groups.map((group): FailedJobGroupBody => ({
      type: group.type,
      error_code: group.error_code,
      count: group.count,
      first_at: isoTime(group.first_at),
      last_at: isoTime(group.last_at),
      error_message: group.error_message,
      last_job_id: formatId("job", group.last_job_id),
    }));
    return json(200, { data, more: looked === MAX_FAILURES });
  },
});

export const jobRoutes: Route[] = [list, get, cancel, retry, failures];
