import { addLaneOwners } from "../accounts.ts";
import type { LaneOwner } from "../accounts.ts";
import type { Load } from "../agents/sender.ts";
import { apiOf } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, messageLines, messageRequests } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { figure, perSecond } from "../figure.ts";
import type { Figure } from "../figure.ts";
import type { ProductProcess } from "../product.ts";
import { driveWay, USUAL } from "../ways.ts";
import type { WholePath } from "../whole-path.ts";
import { closedLoop, submitCeiling } from "./submit.ts";

/** Of each account; each message is wanted by one. */
const ENDPOINTS = USUAL.endpoints;
const ACCOUNTS = 20;
const BATCH_LINES = 100;
const BATCH_CONNECTIONS = 8;
/** Parts of the benchmark, and what is none of it. */
const OURS = ["bench", "receiver", "client", "others"];
/** Of everything but those. */
const MOST_CPU_MS = 0.55;
const ALONE_GOAL = { atLeast: 0.6 };
const PATH_GOAL = { atLeast: 0.25 };

/** What is published before anything is sent: the API alone. */
interface Alone {
  variant: string;
  accounts: number;
  path: string;
  load: Pick<Load, "bodies" | "keyed"> & { headers?: Record<string, string>; connections?: number };
  /** Messages in a request. */
  each: number;
}

const TYPES = Array.from({ length: ENDPOINTS }, (_, number) => `bench.lane-${number}`);

export const publishScenario: Scenario = {
  about: "POST /v1/messages over 64 connections, alone and until the webhook has arrived",
  quick: true,
  async run(bench) {
    const before = await submitCeiling(bench);
    const rates = [];
    for (const alone of variants()) rates.push({ alone, found: await measureAlone(bench, alone) });
    const path = await measurePath(bench);
    const ceiling = (before + (await submitCeiling(bench))) / 2;
    const against = (rate: number): Pick<Figure, "measured" | "ceiling" | "ratio"> => ({
      measured: perSecond(rate),
      ceiling: `${perSecond(ceiling)} bare inserts`,
      ratio: rate / ceiling,
    });
    const { rate, sent, left, sentTwice, cpu } = path;
    return [
      ...rates.flatMap(({ alone: { variant }, found }) => {
        if (found === null) return [];
        const detail = { cores: found.cpu };
        return [figure({ variant, ...against(found.rate), goal: ALONE_GOAL, detail })];
      }),
      figure({
        variant: "until it arrived",
        ...against(rate),
        goal: PATH_GOAL,
        detail: { sent, left, sent_twice: sentTwice, cores: cpu },
      }),
      ...cpuFigures(path),
    ];
  },
};

function variants(): Alone[] {
  const one = { accounts: 1, path: "/v1/messages", each: 1 };
  const bodies = messageBodies();
  return [
    { ...one, variant: "alone", load: { bodies } },
    { ...one, variant: "alone, with Idempotency-Key", load: { bodies, keyed: true } },
    { ...one, variant: `alone, of ${ACCOUNTS} accounts`, accounts: ACCOUNTS, load: { bodies } },
    {
      accounts: 1,
      path: "/v1/messages/batch",
      each: BATCH_LINES,
      variant: `alone, ${BATCH_LINES} a request`,
      load: {
        bodies: messageLines(TYPES, BATCH_LINES),
        headers: { "content-type": "application/x-ndjson" },
        connections: BATCH_CONNECTIONS,
      },
    },
  ];
}

/** One of each type, so that all endpoints get as many. */
function messageBodies(): string[] {
  return TYPES.map((type) => messageRequests(type, 1)[0]!);
}

/** Messages per second; null where the server has no such route. */
async function measureAlone(
  bench: Bench,
  { variant, accounts, path, load, each }: Alone,
): Promise<{ rate: number; cpu: WholePath["cpu"] } | null> {
  return await withOwners(bench, accounts, ["api"], async (database, processes, owners) => {
    const url = `${apiOf(processes)}${path}`;
    const headers = { ...apiHeaders(owners[0]!.apiKey), ...load.headers };
    if (!(await hasRoute(url, headers))) {
      bench.tell(`${variant}: skipped, the server has no POST ${path}`);
      return null;
    }
    const senders = owners.map(({ apiKey }) => ({ authorization: `Bearer ${apiKey}` }));
    const { result, cpu } = await bench.measureCpu(processes, () =>
      closedLoop(bench, { url, ...load, headers, senders }),
    );
    await check(database, result.answered * each);
    const rate = result.rate * each;
    bench.tell(`${variant}: ${Math.round(rate)}/s`);
    return { rate, cpu };
  });
}

/** A request of nothing: where there is a route, it says what is wrong with it. */
async function hasRoute(url: string, headers: Record<string, string>): Promise<boolean> {
  const answer = await fetch(url, { method: "POST", headers, body: "" });
  await answer.text();
  return answer.status !== 404 && answer.status !== 405;
}

/** Each message must be there, with its one delivery. @throws Error */
async function check({ pool }: BenchDatabase, answered: number): Promise<void> {
  const { rows } = await pool.query<{ messages: number; deliveries: number }>(
    `select (select count(*)::int from messages) as messages,
       (select count(*)::int from deliveries) as deliveries`,
  );
  const { messages, deliveries } = rows[0]!;
  if (messages !== answered || deliveries !== answered) {
    throw new Error(`${answered} accepted, but ${messages} messages and ${deliveries} deliveries`);
  }
}

async function measurePath(bench: Bench): Promise<WholePath> {
  return await withOwners(bench, 1, ["api", "deliver"], async (_, processes, [owner]) => {
    if (bench.postgresPid === null) {
      bench.tell("CPU of a message: left out, as the Postgres is not the benchmark's own");
    }
    return await driveWay(bench, processes, [owner!], "messages");
  });
}

/** Nothing where it can't be told what Postgres uses. */
function cpuFigures({ cpuMs, sent, left }: WholePath): Omit<Figure, "scenario">[] {
  const { postgres } = cpuMs;
  if (postgres === undefined) return [];
  const all = Object.entries(cpuMs)
    .filter(([part]) => !OURS.includes(part))
    .reduce((sum, [, ms]) => sum + ms, 0);
  const text = (ms: number): string => `${ms.toFixed(2)} ms`;
  const detail = { messages: sent - left, ms: cpuMs };
  return [
    figure({
      variant: "CPU of a message",
      measured: text(all),
      ceiling: text(MOST_CPU_MS),
      ratio: all / MOST_CPU_MS,
      goal: { atMost: 1 },
      detail,
    }),
    figure({
      variant: "of that, Postgres",
      measured: text(postgres),
      ceiling: `${text(all)} in all`,
      ratio: postgres / all,
      goal: null,
    }),
  ];
}

async function withOwners<T>(
  bench: Bench,
  accounts: number,
  roles: readonly string[],
  work: (
    database: BenchDatabase,
    processes: readonly ProductProcess[],
    owners: readonly LaneOwner[],
  ) => Promise<T>,
): Promise<T> {
  return await bench.withDatabase(async (database) => {
    const owners = await addLaneOwners(bench, database, { accounts, endpoints: ENDPOINTS });
    return await bench.withProduct(database, roles, (processes) =>
      work(database, processes, owners),
    );
  });
}
