import { setTimeout as sleep } from "node:timers/promises";
import type { Check } from "../checks.ts";
import { startStack, TWINS } from "../stack.ts";
import type { Stack } from "../stack.ts";
import { startTraffic } from "../traffic.ts";
import { startWatch } from "../watch.ts";
import type { Silence } from "../watch.ts";
import { createWorld } from "./actions.ts";
import type { World } from "./actions.ts";
import { checkChaos, findLeft } from "./checks.ts";
import type { ChaosLimits } from "./checks.ts";
import { createChaosClient } from "./client.ts";
import type { Calls } from "./client.ts";
import { startMoodyReceivers } from "./receivers.ts";

const ADMINS = 8;
const PUBLISHERS = 8;
/** Between two calls of a client, on average. */
const PAUSE_MS = 10;
const PAUSE_EVERY_MS = 5_000;
const DRAIN_MS = 120_000;
const ENABLE_EVERY_MS = 10_000;

export interface ChaosOptions {
  limits: ChaosLimits;
  seconds: number;
  /** The folder of the Postgres to run on; undefined: that which tests start. */
  binaries: string | undefined;
  keep: boolean;
  say(line: string): void;
  signal: AbortSignal;
}

export interface ChaosReport {
  version: string;
  seconds: number;
  passed: boolean;
  checks: Check[];
  calls: ReadonlyMap<string, Calls>;
  silences: Silence[];
  webhooks: number;
  drainMs: number;
}

/**
 * Two processes that do everything, ordinary traffic to ordered and unordered destinations, admins
 * who change everything that can be changed, receivers that answer anything: for the time given.
 * Then all is let settle and checked.
 */
export async function runChaos(
  options: ChaosOptions,
): Promise<{ report: ChaosReport; folder: string }> {
  const { signal, say } = options;
  const misbehaviour: string[] = [];
  const stack = await startStack({
    layout: TWINS,
    binaries: options.binaries,
    onMisbehaviour: (what) => misbehaviour.push(what),
    onRefusedStart: (name) => misbehaviour.push(`${name} refused to start`),
  });
  const receivers = await startMoodyReceivers();
  const watch = startWatch(stack.database, receivers.lastArrival);
  try {
    say(`PostgreSQL ${stack.database.version}; processes, database and logs in ${stack.folder}`);
    const client = createChaosClient(stack, signal);
    const world = await createWorld(client, receivers.url);
    const from = Date.now();
    await shake(world, options);
    const silences = watch.silences(from, Date.now());
    say(`${receivers.total()} webhooks; waiting until all is settled`);
    receivers.calm();
    const { left, ms: drainMs } = await drain(stack, world, signal);
    const { limits } = options;
    const checks = await checkChaos({ stack, client, receivers, silences, left, limits });
    await stack.stop();
    checks.push({ name: "the processes behaved", of: 2, broken: misbehaviour });
    const passed = checks.every(({ broken }) => broken.length === 0);
    if (passed && !options.keep) stack.removeFolder();
    const report: ChaosReport = {
      version: stack.database.version,
      seconds: options.seconds,
      passed,
      checks,
      calls: client.calls,
      silences,
      webhooks: receivers.total(),
      drainMs,
    };
    return { report, folder: stack.folder };
  } finally {
    await watch.stop();
    await stack.destroy().catch(() => undefined);
    await receivers.close();
  }
}

async function shake(world: World, { seconds, signal }: ChaosOptions): Promise<void> {
  const actions = Object.values(world.actions);
  const any = (): Promise<unknown> => actions[Math.floor(Math.random() * actions.length)]!();
  const traffic = [
    startTraffic({ clients: ADMINS, pauseMs: PAUSE_MS, send: any, signal }),
    startTraffic({ clients: PUBLISHERS, pauseMs: PAUSE_MS, send: world.publish, signal }),
    startTraffic({ clients: 1, pauseMs: PAUSE_EVERY_MS, send: world.pauseAndResume, signal }),
  ];
  await sleep(seconds * 1_000, undefined, { signal });
  await Promise.all(traffic.map((one) => one.stop()));
}

/** Until nothing is left to do, or the patience is over. */
async function drain(
  stack: Stack,
  world: World,
  signal: AbortSignal,
): Promise<{ left: string[]; ms: number }> {
  const began = performance.now();
  let enableAt = 0;
  for (;;) {
    const ms = performance.now() - began;
    if (ms >= enableAt) {
      await world.enableAll();
      enableAt = ms + ENABLE_EVERY_MS;
    }
    const left = await findLeft(stack);
    if (left.length === 0 || ms > DRAIN_MS) return { left, ms };
    await sleep(500, undefined, { signal });
  }
}
