import type { Job } from "../../core/model.ts";
import { didYouMean } from "../../core/nearest.ts";
import { parsePrefer, waitSeconds, type Preferences } from "../../core/prefer.ts";
import { Problem } from "../../core/problem.ts";
import { submitJob } from "../../flow/jobs/submit.ts";
import { waitForNews } from "../conditional-wait.ts";
import type { HttpContext } from "../http-context.ts";
import { replayed, storedResponse } from "../idempotency.ts";
import { planCallbacks } from "../receivers.ts";
import type { Reply } from "../reply.ts";
import { isFinished, jobUrl } from "../views/job.ts";
import { route } from "../route.ts";
import { job as jobSchema, jobInput } from "../schemas/job.ts";
import { PREFER_HEADER } from "../schemas/request.ts";
import { checkMetadata, parseWith, refuseFaults } from "../validation.ts";
import { jobReply } from "./jobs.ts";

const HEADERS = {
  location: "The job",
  "content-location": "The job, which this answer tells of",
  "retry-after": "Seconds until a look is worth it; absent once the job has ended",
  etag: "Changes with the job",
  "preference-applied": "What of `Prefer` was honoured",
  "idempotency-replayed": "`true`: this is the answer to an earlier request with the same key",
  vary: "`Prefer`",
};

export const submitRoute = route({
  method: "post",
  path: "/v1/jobs",
  scopes: ["jobs"],
  operationId: "submitJob",
  tag: "Jobs",
  summary: "Submit a job",
  description:
    "Once this answers 202 the job is durable: it will be computed and its callbacks will be called, whatever crashes. With an `Idempotency-Key` the same request may be sent again without making a second job; the answer is that of the first, errors included: for a job always the 202 that accepted it, whether or not `Prefer` asks to wait. Requests are the same when their bodies are, whitespace between tokens aside: 1 and 1.0 are two. Keys are kept for 24 hours.",
  headers: PREFER_HEADER,
  idempotent: true,
  body: jobInput,
  responses: {
    202: { description: "Accepted", schema: jobSchema, headers: HEADERS },
    200: { description: "Ended within the time to wait", schema: jobSchema, headers: HEADERS },
  },
  problems: [
    "job_type_unknown",
    "input_invalid",
    "callback_url_invalid",
    "callback_url_userinfo",
    "target_blocked",
    "header_forbidden",
    "event_unknown",
    "endpoint_unknown",
  ],
  async handler(context, call) {
    const { body } = call;
    const posted = call.posted();
    const metadata = posted.get("metadata") ?? "{}";
    checkMetadata(metadata);
    const type = findType(context, body.type);
    await parseWith(type.input, body.input, "input_invalid", ["input"]);
    const plan = planCallbacks(context.targets, body.callbacks, body.callback_url);
    refuseFaults(plan.faults);

    const preferences = parsePrefer(call.header("prefer"));
    const reply = (status: number, job: Job) => acceptance(context, status, job, preferences);
    const accepted = await submitJob(context, {
      accountId: call.accountId,
      type,
      input: posted.get("input")!,
      metadata,
      callbacks: plan.callbacks,
      timeoutS: body.timeout_s ?? null,
      requestId: call.requestId,
      traceId: call.traceId,
      // The answer that is kept is the acceptance: whether someone waited is not part of it.
      idempotency: call.idempotency && {
        ...call.idempotency,
        respond: (job) => storedResponse(acceptance(context, 202, job, NO_PREFERENCES)),
      },
    });
    if (accepted.kind === "replayed") return replayed(accepted.response);
    const waitMs = waitSeconds(preferences) * 1000;
    if (waitMs === 0) return reply(202, accepted.job);
    const wait = { ms: waitMs, ifNoneMatch: undefined, gone: call.disconnected() };
    const job = await waitForNews(context, accepted.job, wait).catch(() => accepted.job);
    return reply(isFinished(job.status) ? 200 : 202, job);
  },
});

const NO_PREFERENCES: Preferences = { respondAsync: false, waitS: null };

function findType(context: Pick<HttpContext, "jobTypes">, name: string) {
  const type = context.jobTypes.get(name);
  if (type !== undefined) return type;
  const names = context.jobTypes.names();
  const known = names.slice(0, 50).join(", ");
  const hint = didYouMean(name, names);
  throw new Problem("job_type_unknown", `There is no job type ${JSON.stringify(name)}.${hint}`, {
    errors: [{ pointer: "/type", detail: `is none of ${known}` }],
  });
}

function acceptance(
  context: Pick<HttpContext, "config" | "vault" | "now">,
  status: number,
  job: Job,
  preferences: Preferences,
): Reply {
  const url = jobUrl(context.config.publicUrl, job.id);
  const applied = [
    ...(preferences.respondAsync && status === 202 ? ["respond-async"] : []),
    ...(preferences.waitS === null ? [] : [`wait=${waitSeconds(preferences)}`]),
  ];
  return jobReply(context, status, job, {
    location: url,
    "content-location": url,
    vary: "Prefer",
    ...(applied.length === 0 ? {} : { "preference-applied": applied.join(", ") }),
  });
}
