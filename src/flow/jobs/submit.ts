import type { Context, SubmissionGroup } from "../context.ts";
import { failpoint } from "../../core/failpoint.ts";
import { newId } from "../../core/ids.ts";
import type { JobType } from "../../core/job-type.ts";
import type { Callback, Job, SealedCallback, StoredResponse } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { sealCallback } from "../../core/sealed.ts";
import { findEndpointIds } from "../../db/accounts/endpoints.ts";
import { insertJobs } from "../../db/jobs/jobs.ts";
import type { NewJob } from "../../db/jobs/jobs.ts";
import { inTransaction, singleStatement } from "../../db/transaction.ts";
import { createGroupCommit, firstWithin } from "../group-commit.ts";
import { replayOf, sealRecord, takeKeys, untilDecided } from "../idempotency.ts";

export interface Submission {
  accountId: string;
  type: JobType;
  /** JSON text that fits the type's input schema. */
  input: string;
  /** JSON text of an object. */
  metadata: string;
  callbacks: Callback[];
  /** Null: the time limit of the type. */
  timeoutS: number | null;
  requestId: string;
  traceId: string;
  idempotency: {
    key: string;
    fingerprint: string;
    /** Makes the response to keep, before the commit, so that it commits with the job. */
    respond(job: Job): StoredResponse;
  } | null;
}

export type Accepted =
  { kind: "created"; job: Job } | { kind: "replayed"; response: StoredResponse };

const GROUP = 200;
/** The most characters of inputs in one transaction. */
const GROUP_BYTES = 8_388_608;

/** The submission transaction, for all that wait: idempotency records + jobs + announcement. */
export function createSubmissionGroup({ pool }: Pick<Context, "pool">): SubmissionGroup {
  return createGroupCommit(async (waiting) => {
    const group = firstWithin(waiting, GROUP_BYTES, ({ job }) => job.input.length);
    if (group.every(({ record }) => record === null)) {
      await insertJobs(
        singleStatement(pool),
        group.map(({ job }) => job),
      );
      return group.map(() => null);
    }
    return await inTransaction(pool, async (tx) => {
      const earlier = await takeKeys(
        tx,
        group.map(({ record }) => record),
      );
      const jobs = group.filter((_, i) => earlier[i] === null).map(({ job }) => job);
      if (jobs.length > 0) await insertJobs(tx, jobs);
      failpoint("submit:before-commit");
      return earlier;
    });
  }, GROUP);
}

/**
 * Accepts a job: when this returns, the job is durable.
 * @throws Problem endpoint_unknown, idempotency_key_reused, idempotency_in_progress
 */
export async function submitJob(
  context: Pick<Context, "pool" | "vault" | "now" | "submissions" | "telemetry" | "jobs">,
  submission: Submission,
): Promise<Accepted> {
  await checkEndpoints(context, submission);
  const job = newJob(context, submission);
  const { idempotency, accountId } = submission;
  const open = idempotency && {
    accountId,
    key: idempotency.key,
    fingerprint: idempotency.fingerprint,
    response: idempotency.respond(job),
    sealed: false,
  };
  const record = open && job.callbacks.some(hasSecrets) ? sealRecord(context, open) : open;
  const earlier = await untilDecided(() => context.submissions.add({ job, record }));
  if (earlier !== null) {
    return { kind: "replayed", response: replayOf(context, earlier, idempotency!.fingerprint) };
  }
  failpoint("submit:committed");
  context.telemetry.jobAccepted(job);
  // this look comes sooner than the announcement
  if (context.jobs.hasFreeThread()) void context.jobs.look();
  return { kind: "created", job };
}

async function checkEndpoints(
  { pool }: Pick<Context, "pool">,
  { accountId, callbacks }: Submission,
): Promise<void> {
  const ids = [...new Set(callbacks.flatMap((c) => c.endpoint_id ?? []))];
  if (ids.length === 0) return;
  const known = await findEndpointIds(pool, accountId, ids);
  const errors = callbacks.flatMap(({ endpoint_id }, index) =>
    endpoint_id === undefined || known.has(endpoint_id)
      ? []
      : [{ pointer: `/callbacks/${index}/endpoint_id`, detail: "no such endpoint" }],
  );
  if (errors.length > 0) {
    throw new Problem("endpoint_unknown", "a callback names an endpoint that does not exist", {
      errors,
    });
  }
}

function hasSecrets({ sealed_headers, sealed_secret }: SealedCallback): boolean {
  return sealed_headers !== undefined || sealed_secret !== undefined;
}

function newJob(context: Pick<Context, "vault" | "now">, s: Submission): NewJob {
  const now = context.now();
  return {
    id: newId(),
    account_id: s.accountId,
    type: s.type.name,
    status: "pending",
    input: s.input,
    metadata: s.metadata,
    callbacks: s.callbacks.map((callback) => sealCallback(context.vault, callback)),
    timeout_s: s.timeoutS ?? s.type.timeoutSeconds,
    max_runs: s.type.maxRuns,
    run: 0,
    progress_fraction: 0,
    progress_message: null,
    progress_data: null,
    progress_at: null,
    run_started_at: null,
    cancel_requested_at: null,
    error_code: null,
    error_message: null,
    request_id: s.requestId,
    retry_of: null,
    trace_id: s.traceId,
    created_at: now,
    started_at: null,
    finished_at: null,
    updated_at: now,
  };
}
