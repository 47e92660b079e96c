import { formatId } from "./ids.ts";
import { INLINE_RESULT_BYTES } from "./model.ts";
import type { JobEventType, JobStatus } from "./model.ts";

/** The facts that the body of a job's event is made of. Texts are JSON, put into the body unparsed. */
export interface JobEventFacts {
  jobId: string;
  jobType: string;
  status: JobStatus;
  run: number;
  metadata: string;
  result?: string | null;
  error?: { code: string; message: string } | null;
  progress?: { fraction: number; message: string | null; data: string | null };
  createdAt: Date;
  startedAt: Date | null;
  finishedAt: Date | null;
}

/** The exact text of a webhook: `{"type", "timestamp", "data"}`. `data` is JSON text. */
export function messageBody(type: string, timestamp: Date, data: string): string {
  return `{"type":${JSON.stringify(type)},"timestamp":"${timestamp.toISOString()}","data":${data}}`;
}

/** The exact text of a job's event. @param publicUrl base of absolute links, no slash at its end */
export function jobEventBody(
  event: JobEventType,
  facts: JobEventFacts,
  timestamp: Date,
  publicUrl: string,
): string {
  const id = formatId("job", facts.jobId);
  const fields = [
    `"job_id":"${id}"`,
    `"job_type":${JSON.stringify(facts.jobType)}`,
    `"status":"${facts.status}"`,
    `"run":${facts.run}`,
    `"metadata":${facts.metadata}`,
  ];
  if (facts.result !== undefined && facts.result !== null) {
    if (Buffer.byteLength(facts.result) <= INLINE_RESULT_BYTES) {
      fields.push(`"result":${facts.result}`);
    } else {
      fields.push(`"result_url":${JSON.stringify(`${publicUrl}/v1/jobs/${id}/result`)}`);
    }
  }
  if (facts.error) fields.push(`"error":${JSON.stringify(facts.error)}`);
  if (facts.progress) {
    const { fraction, message, data } = facts.progress;
    const rest = data === null ? "" : `,"data":${data}`;
    fields.push(`"progress":{"fraction":${fraction},"message":${JSON.stringify(message)}${rest}}`);
  }
  for (const [name, time] of [
    ["created_at", facts.createdAt],
    ["started_at", facts.startedAt],
    ["finished_at", facts.finishedAt],
  ] as const) {
    fields.push(`"${name}":${time === null ? "null" : `"${time.toISOString()}"`}`);
  }
  return messageBody(event, timestamp, `{${fields.join(",")}}`);
}
