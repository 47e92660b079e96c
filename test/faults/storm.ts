import { setTimeout as sleep } from "node:timers/promises";
import type { Incident, Scene } from "./incident.ts";
import { between, pick, seededRandom } from "./random.ts";
import type { Random } from "./random.ts";
import { measureRecovery } from "./recovery.ts";
import type { Recovery } from "./report.ts";
import { ALONE, inject, OF_PROCESSES } from "./scenarios.ts";
import type { ScenarioName } from "./scenarios.ts";
import type { Stack } from "./stack.ts";

/** How often a fault of a process comes together with one of the database. */
const TOGETHER = 0.2;
const RESTARTS = new Set<ScenarioName>(["rolling-restart", "start-while-away", "stop-while-away"]);
/** The first fault waits until there is work to hold up. */
const QUIET_MS = 1_500;

export interface Storm {
  incidents: Incident[];
  /** One for each incident, in the same order. */
  recoveries: Recovery[];
}

/**
 * One fault after the other, chosen at random, until the time is over; or each of them once. Each is
 * let finish.
 */
export async function injectFaults(
  options: {
    seconds: number;
    seed: number;
    scenarios: readonly ScenarioName[];
    each: boolean;
    say(line: string): void;
    signal: AbortSignal;
  },
  stack: Stack,
  scene: Scene,
): Promise<Storm> {
  const random = seededRandom(options.seed);
  const storm: Storm = { incidents: [], recoveries: [] };
  const end = Date.now() + options.seconds * 1_000;
  const begin = Date.now();
  await sleep(QUIET_MS, undefined, { signal: options.signal });
  const left = [...options.scenarios];
  while (options.each ? left.length > 0 : Date.now() < end) {
    const chosen = options.each ? [left.shift()!] : choose(random, options.scenarios);
    await sleep(between(random, 300, 1_500), undefined, { signal: options.signal });
    options.say(`${((Date.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${chosen.join(" + ")}`);
    const incidents = await Promise.all(chosen.map((one) => inject(one, stack, random, scene)));
    storm.incidents.push(...incidents);
    const recoveries = await measure(stack, incidents);
    storm.recoveries.push(...recoveries);
    await Promise.all(incidents.map(({ over }) => over));
    const times = recoveries.map(({ ms, last }) =>
      ms === null ? "nothing held up" : `${ms} ms (last: ${last})`,
    );
    options.say(`          went on after ${times.join(", ")}`);
  }
  return storm;
}

function choose(random: Random, scenarios: readonly ScenarioName[]): ScenarioName[] {
  const first = pick(random, scenarios);
  const second = pick(random, scenarios);
  const apart = OF_PROCESSES.includes(first) !== OF_PROCESSES.includes(second);
  // a process that starts again needs its database within its patience
  const apartInTime = [first, second].some((one) => RESTARTS.has(one) || ALONE.includes(one));
  return apart && !apartInTime && random() < TOGETHER ? [first, second] : [first];
}

async function measure(stack: Stack, incidents: readonly Incident[]): Promise<Recovery[]> {
  const to = Math.max(...incidents.map((incident) => incident.to));
  return await Promise.all(
    incidents.map(async (incident) => ({
      scenario: incident.scenario,
      ...(await measureRecovery(stack.database, { ...incident, to })),
    })),
  );
}
