import { createHash } from "node:crypto";
import { estimateEnd, retryAfterS } from "../../core/estimate.ts";
import { formatId } from "../../core/ids.ts";
import type { Job, JobStatus, ListedJob, SealedCallback, ShownJob } from "../../core/model.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import { openHeaders } from "../../core/sealed.ts";
import type { HttpContext } from "../http-context.ts";
import type { JobBody } from "../schemas/job.ts";
import { defined, idOrNull, isoTime } from "./common.ts";
import type { Waiting } from "./job-wait.ts";

export function isFinished(status: JobStatus): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

/** @param publicUrl base of absolute links, without a slash at its end */
export function jobUrl(publicUrl: string, jobId: string): string {
  return `${publicUrl}/v1/jobs/${formatId("job", jobId)}`;
}

type ViewContext = Pick<HttpContext, "config" | "vault">;

type HeadFields = "id" | "type" | "status";
type TextFields = "input" | "input_bytes" | "metadata" | "progress" | "result";
type CallbackBody = JobBody["callbacks"][number];

/** A job as JSON text. Stored JSON texts go in as they are, unparsed. */
export function jobText(context: ViewContext, job: (Job | ShownJob | ListedJob) & Waiting): string {
  const self = jobUrl(context.config.publicUrl, job.id);
  const progress = JSON.stringify({
    fraction: job.progress_fraction,
    message: job.progress_message,
  } satisfies Omit<JobBody["progress"], "data">);
  const rest: Omit<JobBody, HeadFields | TextFields> = {
    waiting_for: job.waiting_for ?? null,
    eta: isoTime(estimateEnd(job)),
    run: job.run,
    timeout_s: job.timeout_s,
    result_url: job.status === "completed" ? `${self}/result` : null,
    error: jobErrorOf(job),
    callbacks: job.callbacks.map((callback) => callbackView(context, callback)),
    request_id: job.request_id,
    retry_of: idOrNull("job", job.retry_of),
    cancel_requested_at: isoTime(job.cancel_requested_at),
    created_at: isoTime(job.created_at),
    started_at: isoTime(job.started_at),
    finished_at: isoTime(job.finished_at),
    urls: {
      self,
      status: `${self}/status`,
      result: `${self}/result`,
      cancel: `${self}/cancel`,
      deliveries: `${self}/deliveries`,
    },
  };
  const head: Pick<JobBody, HeadFields> = {
    id: formatId("job", job.id),
    type: job.type,
    status: job.status,
  };
  const bytes = "input_bytes" in job ? job.input_bytes : Buffer.byteLength(job.input);
  const data = job.progress_data === null ? "" : `,"data":${job.progress_data}`;
  const result = "result" in job ? job.result : null;
  const texts = [
    ...(job.input === null ? [] : [`"input":${job.input}`]),
    `"input_bytes":${bytes}`,
    `"metadata":${job.metadata}`,
    `"progress":${progress.slice(0, -1)}${data}}`,
    ...(result === null ? [] : [`"result":${result}`]),
  ];
  return `${JSON.stringify(head).slice(0, -1)},${texts.join(",")},${JSON.stringify(rest).slice(1)}`;
}

export function jobErrorOf(
  job: Pick<Job, "error_code" | "error_message">,
): { code: string; message: string } | null {
  return job.error_code === null
    ? null
    : { code: job.error_code, message: job.error_message ?? "" };
}

function callbackView(context: ViewContext, callback: SealedCallback): CallbackBody {
  const { endpoint_id, sealed_headers, sealed_secret: _, ...rest } = callback;
  return defined({
    ...rest,
    endpoint_id: endpoint_id === undefined ? undefined : formatId("endpoint", endpoint_id),
    headers:
      sealed_headers === undefined
        ? undefined
        : redactHeaders(openHeaders(context.vault, sealed_headers)),
    signing: signingView(context, callback),
  });
}

/** The way for the receiver of a callback by URL to check `v1`. */
function signingView(
  { config }: ViewContext,
  { url, signatures, sealed_secret }: SealedCallback,
): CallbackBody["signing"] {
  if (url === undefined || signatures?.includes("v1") === false) return undefined;
  if (sealed_secret !== undefined) return { secret: "own" };
  const origin = encodeURIComponent(new URL(url).origin);
  return {
    secret: "origin",
    secret_url: `${config.publicUrl}/v1/signing-secret?origin=${origin}`,
  };
}

/** A strong validator, which changes with every byte of the representation. */
export function entityTag(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
}

/** Whether an `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2). */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === tag);
}

/** `Retry-After`, while the job has not ended. */
export function retryAfter(job: Job, now: Date): Record<string, string> {
  if (isFinished(job.status)) return {};
  return { "retry-after": String(retryAfterS(now.getTime() - job.created_at.getTime())) };
}
