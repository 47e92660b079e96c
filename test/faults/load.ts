import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiClient } from "./api-client.ts";
import type { Random } from "./random.ts";
import type { FaultReceivers } from "./receivers.ts";
import { planJob } from "./submission.ts";
import type { PlannedJob } from "./submission.ts";

export const SUBMITTERS = 6;
/** Between two jobs of one submitter, on average. */
export const PAUSE_MS = 350;
/** How many of the accepted requests are sent once more, to be answered the same. */
const REPEATED = 0.1;

/** A job that was answered with a 202. */
export interface AcknowledgedJob extends PlannedJob {
  id: string;
}

export interface Load {
  acknowledged: AcknowledgedJob[];
  /** When the own submitters' jobs were acknowledged, in ms since the epoch. */
  times: number[];
  /** A number for a job that others submit; they add it to the acknowledged ones. */
  nextNumber(): number;
  /** Nothing new any more; resolves when every submission is known to be accepted. */
  finish(): Promise<void>;
}

/** Submits jobs through the API and records every 202. */
export function startLoad(options: {
  client: ApiClient;
  random: Random;
  receivers: FaultReceivers;
  onMisbehaviour(what: string): void;
}): Load {
  const { client, random, receivers, onMisbehaviour } = options;
  const runId = randomBytes(4).toString("hex");
  const acknowledged: AcknowledgedJob[] = [];
  const times: number[] = [];
  let planned = 0;
  let finishing = false;

  async function submit(): Promise<void> {
    const job = planJob(random, receivers, { id: runId, n: planned++ });
    const request = { body: job.body, key: job.key };
    const answer = await client.insist("POST", "/v1/jobs", request);
    if (answer?.status !== 202) {
      return onMisbehaviour(`a submission was answered ${answer?.status}: ${text(answer?.body)}`);
    }
    const id = String(answer.body["id"]);
    acknowledged.push({ ...job, id });
    times.push(Date.now());
    if (Math.random() > REPEATED) return;
    const again = await client.insist("POST", "/v1/jobs", request);
    if (again?.status !== 202 || again.body["id"] !== id) {
      onMisbehaviour(`key ${job.key} gave ${id} first, then ${again?.status} ${text(again?.body)}`);
    }
  }

  async function submitter(): Promise<void> {
    while (!finishing) {
      await submit();
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }

  const submitters = Array.from({ length: SUBMITTERS }, submitter);
  // an interruption is told by finish()
  for (const one of submitters) one.catch(() => undefined);
  return {
    acknowledged,
    times,
    nextNumber: () => planned++,
    async finish() {
      finishing = true;
      await Promise.all(submitters);
    },
  };
}

function text(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 300) ?? "nothing";
}
