import { setTimeout as sleep } from "node:timers/promises";
import { createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { checkArrivals } from "./checks-of-arrivals.ts";
import { checkDatabase } from "./checks.ts";
import type { Check } from "./checks.ts";
import { startLoad } from "./load.ts";
import type { Load } from "./load.ts";
import { readLogs } from "./log-findings.ts";
import { seededRandom } from "./random.ts";
import { startFaultReceivers } from "./receivers.ts";
import type { FaultReceivers } from "./receivers.ts";
import type { Report } from "./report.ts";
import type { Incident, Scene } from "./incident.ts";
import type { ScenarioName } from "./scenarios.ts";
import { measureSlowness } from "./checks-of-slowness.ts";
import { startWatch } from "./watch.ts";
import type { Watch } from "./watch.ts";
import { APART, startStack } from "./stack.ts";
import type { Stack } from "./stack.ts";
import { injectFaults } from "./storm.ts";
import type { Storm } from "./storm.ts";

export interface ProgramOptions {
  seconds: number;
  seed: number;
  scenarios: readonly ScenarioName[];
  /** Each scenario once, in this order, however long that takes. */
  each: boolean;
  /** How long a slowness lasts. */
  holdMs: number;
  /** The folder of the Postgres to run on; undefined: that which tests start. */
  binaries: string | undefined;
  /** Logs and database, although all went well. */
  keep: boolean;
  say(line: string): void;
  /** When it is aborted everything is ended at once. */
  signal: AbortSignal;
}

/** Retries of failed runs take up to ten seconds, and every fault its aftermath. */
const SETTLE_MS = 90_000;

/**
 * Starts the real thing, puts load on it, hurts it for the time given, lets it settle and holds
 * everything that was seen against what was promised.
 */
export async function runFaultProgram(
  options: ProgramOptions,
): Promise<{ report: Report; folder: string }> {
  const misbehaviour: string[] = [];
  const refusedStarts: { name: string; at: number }[] = [];
  const onMisbehaviour = (what: string): void => void misbehaviour.push(what);
  const stack = await startStack({
    layout: APART,
    binaries: options.binaries,
    onMisbehaviour,
    onRefusedStart: (name) => refusedStarts.push({ name, at: Date.now() }),
  });
  const receivers = await startFaultReceivers(seededRandom(options.seed + 1));
  const watch = startWatch(stack.database, ({ destination }) =>
    receivers.lastArrival(destination ?? ""),
  );
  try {
    options.say(`processes, database and logs in ${stack.folder}`);
    const { apiUrl: baseUrl, apiKey } = stack;
    const client = createApiClient({ baseUrl, apiKey, signal: options.signal, onMisbehaviour });
    await prepare(client, receivers);
    const random = seededRandom(options.seed + 2);
    const load = startLoad({ client, random, receivers, onMisbehaviour });
    const { holdMs, signal } = options;
    const scene = { client, load, receivers, holdMs, signal, onMisbehaviour };
    const storm = await hurt(options, stack, scene);
    await load.finish();
    options.say(`${load.acknowledged.length} jobs acknowledged; waiting until all is settled`);
    const settled = await settle(stack, options.signal);
    const report = await examine({
      options,
      stack,
      client,
      receivers,
      load,
      watch,
      storm,
    });
    report.checks.push(
      settled,
      { name: "API and processes behaved", of: report.jobs, broken: misbehaviour },
      checkStarts(refusedStarts, storm.incidents),
    );
    await stack.stop();
    report.passed = report.checks.every(({ broken }) => broken.length === 0);
    if (report.passed && !options.keep) stack.removeFolder();
    return { report, folder: stack.folder };
  } finally {
    await watch.stop();
    await stack.destroy().catch(() => undefined);
    await receivers.close();
  }
}

async function prepare(client: ApiClient, receivers: FaultReceivers): Promise<void> {
  const endpoint = await client.insist("POST", "/v1/endpoints", {
    body: JSON.stringify({
      url: `${receivers.url("ordered")}/hook`,
      ordered: true,
      retry: { max_attempts: 50, base_s: 0.1, factor: 1.5, cap_s: 2 },
      events: ["job.started", "job.completed", "job.failed", "job.canceled"],
    }),
  });
  if (endpoint?.status !== 201) throw new Error(`no endpoint: ${JSON.stringify(endpoint?.body)}`);
  receivers.setSecret("ordered", String(endpoint.body["secret"]));
  for (const name of ["healthy", "flaky", "slow", "refusing"] as const) {
    const own = await client.insist("GET", `/v1/signing-secret?origin=${receivers.url(name)}`, {});
    receivers.setSecret(name, String(own?.body["secret"]));
  }
}

/** The storm, with a bulk replay of the dead letters in its middle. */
async function hurt(options: ProgramOptions, stack: Stack, scene: Scene): Promise<Storm> {
  const { client, receivers, signal } = scene;
  const replay = async (): Promise<void> => {
    await sleep(options.seconds * 500, undefined, { signal });
    receivers.heal();
    const body = JSON.stringify({ filter: { status: "dead" } });
    const answer = await client.insist("POST", "/v1/replays", { body });
    options.say(`bulk replay of ${String(answer?.body["matched"])} dead letters`);
  };
  const [storm] = await Promise.all([injectFaults(options, stack, scene), replay()]);
  return storm;
}

async function settle(stack: Stack, signal: AbortSignal): Promise<Check> {
  const deadline = Date.now() + SETTLE_MS;
  let left: { id: string }[] = [];
  while (Date.now() < deadline) {
    left = await stack.database.query<{ id: string }>(
      `select 'job ' || id || ' ' || status as id from job_states where finished_at is null
       union all select 'delivery ' || id from deliveries where status = 'pending'
       union all select 'replay ' || id from replays where status = 'running'
       union all select 'lease of lane ' || id from lanes where leased_by is not null`,
    );
    if (left.length === 0) break;
    await sleep(200, undefined, { signal });
  }
  return {
    name: `all is settled within ${SETTLE_MS / 1000} s`,
    of: left.length,
    broken: left.map(({ id }) => id),
  };
}

async function examine(run: {
  options: ProgramOptions;
  stack: Stack;
  client: ApiClient;
  receivers: FaultReceivers;
  load: Load;
  watch: Watch;
  storm: Storm;
}): Promise<Report> {
  const { options, stack, client, receivers, load, watch, storm } = run;
  const { incidents, recoveries } = storm;
  const arrivals = await checkArrivals(stack.database, receivers.arrivals, incidents);
  const logs = readLogs(stack.logs, incidents);
  const slowness = measureSlowness(incidents, recoveries, load.times, watch);
  const verified = await Promise.all(incidents.map(async ({ verify }) => (await verify?.()) ?? []));
  return {
    version: stack.database.version,
    seed: options.seed,
    seconds: options.seconds,
    passed: false,
    jobs: load.acknowledged.length,
    webhooks: receivers.arrivals.length,
    duplicates: arrivals.duplicates,
    checks: [
      ...(await checkDatabase(stack.database.query, load.acknowledged)),
      ...arrivals.checks,
      ...logs.checks,
      ...slowness.checks,
      ...verified.flat(),
      {
        name: "work went on after every fault",
        of: recoveries.length,
        broken: recoveries.filter(({ ms }) => ms === Infinity).map(({ scenario }) => scenario),
      },
    ],
    recoveries,
    slowness: slowness.rows,
    refusals: Object.fromEntries(client.refusals),
    longestAnswerMs: client.longestMs(),
    repairs: logs.repairs,
    deadWorkers: logs.deadWorkers,
    fenced: logs.fenced,
  };
}

/** A process may refuse to start only while the database is away. */
function checkStarts(
  refused: readonly { name: string; at: number }[],
  incidents: readonly Incident[],
): Check {
  const broken = refused.filter(
    ({ at }) => !incidents.some(({ from, to }) => from <= at && at <= to + 10_000),
  );
  return {
    name: "no process refused to start without a reason",
    of: refused.length,
    broken: broken.map(({ name, at }) => `${name} at ${new Date(at).toISOString()}`),
  };
}
