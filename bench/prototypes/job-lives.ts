import { randomBytes } from "node:crypto";
import { newId } from "../../src/core/ids.ts";
import type { NewJob } from "../../src/db/jobs/jobs.ts";
import type { RunEnd } from "../../src/db/jobs/runs.ts";
import type { Tx } from "../../src/db/transaction.ts";
import { webhookBodies } from "../bodies.ts";
import type { Mark } from "./measure.ts";

/** A claim in hand. */
export interface Claim {
  id: string;
  run: number;
  input: string;
}

/** One way to store jobs. */
export interface JobVariant {
  name: string;
  schema: string;
  fillfactor: number;
  tables: readonly string[];
  submit(tx: Tx, jobs: readonly NewJob[]): Promise<void>;
  claim(tx: Tx, workerId: string, limit: number): Promise<readonly Claim[]>;
  end(tx: Tx, endings: readonly RunEnd[]): Promise<number>;
  /** Lists by name, with the account as $1. */
  lists: Readonly<Record<string, string>>;
}

const INPUTS = webhookBodies();
const RESULTS = webhookBodies(400);

/** Submits, claims and ends `size` jobs. Backends may claim each other's. */
export async function liveJobs(
  variant: JobVariant,
  tx: Tx,
  accountId: string,
  workerId: string,
  size: number,
  mark: Mark,
): Promise<number> {
  await submitJobs(variant, tx, accountId, size);
  mark("submit");
  const claims = await variant.claim(tx, workerId, size);
  mark("claim");
  const endings = claims.map(({ id, run }, index): RunEnd => {
    const result = RESULTS[index % RESULTS.length]!;
    return { id, run, status: "completed", result, errorCode: null, errorMessage: null };
  });
  const ended = endings.length === 0 ? 0 : await variant.end(tx, endings);
  mark("end");
  if (ended !== claims.length) throw new Error(`${variant.name}: ${ended} of ${claims.length}`);
  return ended;
}

export async function submitJobs(
  variant: JobVariant,
  tx: Tx,
  accountId: string,
  size: number,
): Promise<void> {
  const at = new Date();
  const jobs = Array.from({ length: size }, (_, index) => ({
    id: newId(),
    account_id: accountId,
    type: "demo.echo",
    input: INPUTS[index % INPUTS.length]!,
    metadata: "{}",
    callbacks: [{ url: "http://127.0.0.1:1/hook", events: ["job.completed"] }],
    timeout_s: 60,
    max_runs: 3,
    request_id: `req-${randomBytes(8).toString("hex")}`,
    trace_id: randomBytes(16).toString("hex"),
    created_at: at,
  }));
  await variant.submit(tx, jobs as unknown as NewJob[]);
}
