import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { ENDPOINT_DEFAULTS } from "../../src/core/endpoint.ts";
import type { Context } from "../../src/flow/context.ts";
import type { Callback, Job } from "../../src/core/model.ts";
import { getJob } from "../../src/db/jobs/jobs.ts";
import { createEndpoint } from "../../src/flow/accounts/endpoints.ts";
import { submitJob } from "../../src/flow/jobs/submit.ts";
import type { Submission } from "../../src/flow/jobs/submit.ts";
import type { TestContext } from "./context.ts";

/** Looks until there is something (not null, undefined or false) and returns it. */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  timeoutMs = 15_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await sleep(20);
  }
}

/** A submission of `demo.echo` unless told otherwise. */
export function submissionOf(
  { context, accountId }: Pick<TestContext, "context" | "accountId">,
  job: Partial<Omit<Submission, "type" | "input" | "metadata">> & {
    type?: string;
    input?: unknown;
    metadata?: object;
  } = {},
): Submission {
  const { type = "demo.echo", input = { n: 1 }, metadata = {}, ...rest } = job;
  const jobType = context.jobTypes.get(type);
  if (jobType === undefined) throw new Error(`no job type ${type}`);
  return {
    accountId,
    callbacks: [],
    timeoutS: null,
    requestId: "req-test",
    traceId: "0af7651916cd43dd8448eb211c80319c",
    idempotency: null,
    ...rest,
    type: jobType,
    input: JSON.stringify(input),
    metadata: JSON.stringify(metadata),
  };
}

/** Submits a new job and returns its id. */
export async function submit(
  t: Pick<TestContext, "context" | "accountId">,
  job?: Parameters<typeof submissionOf>[1],
): Promise<string> {
  const accepted = await submitJob(t.context, submissionOf(t, job));
  if (accepted.kind !== "created") throw new Error("not created");
  return accepted.job.id;
}

/** Boots the threads of whoever computes, so that no run of the test waits for that. */
export async function warmUp(t: Pick<TestContext, "context" | "accountId">): Promise<void> {
  const job = { type: "demo.sleep", input: { ms: 500 } };
  const ids = await Promise.all(
    Array.from({ length: availableParallelism() }, () => submit(t, job)),
  );
  for (const id of ids) await ended(t, id, 20_000);
}

/** A callback that is tried again soon. */
export function callbackTo(url: string, callback: Partial<Callback> = {}): Callback {
  return {
    url,
    events: ["job.completed", "job.failed", "job.canceled"],
    retry: { base_s: 0.1, factor: 1 },
    ...callback,
  };
}

export async function jobOf(
  { context, accountId }: Pick<TestContext, "context" | "accountId">,
  id: string,
): Promise<Job> {
  const job = await getJob(context.pool, accountId, id);
  if (job === null) throw new Error(`no job ${id}`);
  return job;
}

export async function ended(
  t: Pick<TestContext, "context" | "accountId">,
  id: string,
  timeoutMs = 15_000,
): Promise<Job> {
  return await until(
    `the end of job ${id}`,
    async () => {
      const job = await jobOf(t, id);
      return job.finished_at === null ? null : job;
    },
    timeoutMs,
  );
}

export async function running(
  t: Pick<TestContext, "context" | "accountId">,
  id: string,
): Promise<Job> {
  return await until(`job ${id} to run`, async () => {
    const job = await jobOf(t, id);
    return job.status === "running" ? job : null;
  });
}

/** An endpoint that is tried again soon. */
export async function endpointAt(
  { context, accountId }: { context: Pick<Context, "pool" | "vault">; accountId: string },
  url: string,
  settings: Partial<Parameters<typeof createEndpoint>[1]> = {},
): Promise<{ id: string; laneId: string; secret: string }> {
  const { endpoint, secret } = await createEndpoint(context, {
    accountId,
    url,
    headers: {},
    ...ENDPOINT_DEFAULTS,
    retry: { max_attempts: 12, base_s: 0.1, factor: 1, cap_s: 10 },
    secret: null,
    ...settings,
  });
  return { id: endpoint.id, laneId: endpoint.lane_id, secret };
}

export async function count(
  { database }: Pick<TestContext, "database">,
  sql: string,
  values: unknown[] = [],
): Promise<number> {
  const { rows } = await database.pool.query<{ n: string }>(
    `select count(*) as n from ${sql}`,
    values,
  );
  return Number(rows[0]!.n);
}

/** Pending jobs and lanes with something pending that no queue entry will wake. */
export async function forgotten(
  t: Pick<TestContext, "database">,
): Promise<{ jobs: number; lanes: number }> {
  const woken = `exists (select 1 from graphile_worker.jobs q where `;
  const live = ` and q.locked_at is null and q.attempts < q.max_attempts)`;
  return {
    jobs: await count(
      t,
      `job_states j where status = 'pending' and not ${woken}q.task_identifier = 'claim-jobs'${live}`,
    ),
    lanes: await count(
      t,
      `lanes l where exists (select 1 from deliveries d where d.lane_id = l.id
         and d.status = 'pending') and not ${woken}q.key = 'pump-lane:' || l.id${live}`,
    ),
  };
}
