import { jobEventBody } from "../../core/events.ts";
import type { JobEventType } from "../../core/model.ts";
import type { EndedJob } from "../../db/jobs/ends.ts";
import type { Publication } from "../deliveries/publish.ts";

/** The message of a job's new state. `row` as the update that made the state returned it. */
export function jobPublication(
  event: JobEventType,
  row: Omit<EndedJob, "finished_at"> & { finished_at: Date | null },
  at: Date,
  publicUrl: string,
  result: string | null,
): Publication {
  const body = jobEventBody(
    event,
    {
      jobId: row.id,
      jobType: row.type,
      status: row.status,
      run: row.run,
      metadata: row.metadata,
      result,
      error:
        row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? "" },
      ...(event === "job.progress"
        ? {
            progress: {
              fraction: row.progress_fraction,
              message: row.progress_message,
              data: row.progress_data,
            },
          }
        : {}),
      createdAt: row.created_at,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
    },
    at,
    publicUrl,
  );
  return {
    accountId: row.account_id,
    jobId: row.id,
    type: event,
    body,
    createdAt: at,
    requestId: row.request_id,
    traceId: row.trace_id,
    callbacks: row.callbacks,
  };
}
