import { between, pick } from "./random.ts";
import type { Random } from "./random.ts";
import type { FaultReceivers } from "./receivers.ts";

/** A job as it will be posted. `expected` are the URLs that must hear of its end. */
export interface PlannedJob {
  n: number;
  key: string;
  body: string;
  expected: string[];
}

const PATIENT = { max_attempts: 50, base_s: 0.1, factor: 1.5, cap_s: 2 };
const IMPATIENT = { max_attempts: 2, base_s: 0.1, factor: 1, cap_s: 1 };
const FIRST_JOBS = 400;
const CSV = `city,temp\n${Array.from({ length: 400 }, (_, i) => `c${i % 7},${i % 31}`).join("\n")}\n`;

/** The mix of jobs: most short, some slow, some failing, some real work. */
export function planJob(
  random: Random,
  receivers: Pick<FaultReceivers, "url">,
  run: { id: string; n: number },
): PlannedJob {
  const dice = random();
  const work =
    dice < 0.65
      ? { type: "demo.echo", input: { n: run.n } }
      : dice < 0.85
        ? { type: "demo.sleep", input: { ms: Math.round(between(random, 50, 300)) } }
        : dice < 0.9
          ? { type: "demo.fail", input: { message: "as planned", retryable: true } }
          : { type: "csv.summary", input: { csv: CSV, group_by: "city" } };
  const callbacks = planCallbacks(random, receivers, run.n);
  return {
    n: run.n,
    key: `${run.id}-${run.n}`,
    body: JSON.stringify({ ...work, callbacks, metadata: { n: run.n } }),
    expected: [...callbacks.map(({ url }) => url), `${receivers.url("ordered")}/hook`],
  };
}

function planCallbacks(
  random: Random,
  receivers: Pick<FaultReceivers, "url">,
  n: number,
): { url: string; retry: object }[] {
  const callbacks = [{ url: `${receivers.url("healthy")}/hook`, retry: PATIENT }];
  if (random() < 0.4) callbacks.push({ url: `${receivers.url("flaky")}/hook`, retry: PATIENT });
  if (random() < 0.2) callbacks.push({ url: `${receivers.url("slow")}/hook`, retry: PATIENT });
  if (random() < 0.6) {
    // so few refusals that the breaker, which would hold the rest back, stays closed
    const refused = random() < 0.15;
    // what is refused for ever opens the breaker for longer and longer: it has to be over in time
    const refusing = n < FIRST_JOBS ? ["/refused", "/never"] : ["/refused"];
    const path = refused ? pick(random, refusing) : "/taken";
    callbacks.push({ url: receivers.url("refusing") + path, retry: IMPATIENT });
  }
  return callbacks;
}
