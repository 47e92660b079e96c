import { createHash } from "node:crypto";
import { estimateEnd, retryAfterS } from "../../core/estimate.ts";
import { formatId } from "../../core/ids.ts";
import type { Callback, Job, JobStatus, ListedJob } from "../../core/model.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import { defined, isoTime } from "./common.ts";

export function isFinished(status: JobStatus): boolean {
  return status === "completed" || status === "failed" || status === "canceled";
}

/** @param publicUrl base of absolute links, no slash at its end */
export function jobUrl(publicUrl: string, jobId: string): string {
  return `${publicUrl}/v1/jobs/${formatId("job", jobId)}`;
}

/** A job as JSON text. What is stored as JSON text goes in as it is, unparsed. */
export function jobText(job: Job | ListedJob, publicUrl: string): string {
  const self = jobUrl(publicUrl, job.id);
  const progress = JSON.stringify({
    fraction: job.progress_fraction,
    message: job.progress_message,
  });
  const rest = JSON.stringify({
    eta: isoTime(estimateEnd(job)),
    run: job.run,
    timeout_s: job.timeout_s,
    result_url: job.status === "completed" ? `${self}/result` : null,
    error: jobErrorOf(job),
    callbacks: job.callbacks.map(callbackView),
    request_id: job.request_id,
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
  });
  const head = JSON.stringify({
    id: formatId("job", job.id),
    type: job.type,
    status: job.status,
  });
  const bytes = "input_bytes" in job ? job.input_bytes : Buffer.byteLength(job.input);
  const data = job.progress_data === null ? "" : `,"data":${job.progress_data}`;
  const texts = [
    ...(job.input === null ? [] : [`"input":${job.input}`]),
    `"input_bytes":${bytes}`,
    `"metadata":${job.metadata}`,
    `"progress":${progress.slice(0, -1)}${data}}`,
  ];
  return `${head.slice(0, -1)},${texts.join(",")},${rest.slice(1)}`;
}

export function jobErrorOf(
  job: Pick<Job, "error_code" | "error_message">,
): { code: string; message: string } | null {
  return job.error_code === null
    ? null
    : { code: job.error_code, message: job.error_message ?? "" };
}

function callbackView(callback: Callback): object {
  const { endpoint_id, headers } = callback;
  return defined({
    ...callback,
    endpoint_id: endpoint_id === undefined ? undefined : formatId("endpoint", endpoint_id),
    headers: headers === undefined ? undefined : redactHeaders(headers),
  });
}

/** A strong validator: it changes with every byte of the representation. */
export function entityTag(text: string): string {
  return `"${createHash("sha256").update(text).digest("base64url").slice(0, 27)}"`;
}

/** Whether an `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2). */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === "*") return true;
  return ifNoneMatch.split(",").some((one) => one.trim().replace(/^W\//, "") === tag);
}

/** `Retry-After`, while there is something to come back for. */
export function retryAfter(job: Job, now: Date): Record<string, string> {
  if (isFinished(job.status)) return {};
  return { "retry-after": String(retryAfterS(now.getTime() - job.created_at.getTime())) };
}
