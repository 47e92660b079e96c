import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { formatId } from "../../../src/core/ids.ts";
import { checkOrder } from "../checks-of-arrivals.ts";
import { checkAttemptNumbers, checkBooks, checkLanes } from "../checks.ts";
import type { Check } from "../checks.ts";
import { readLogs } from "../log-findings.ts";
import type { Stack } from "../stack.ts";
import type { Silence } from "../watch.ts";
import type { ChaosClient } from "./client.ts";
import type { MoodyReceivers } from "./receivers.ts";

/** Statistics of a server come a little late. */
const STATISTICS_MS = 2_000;

export interface ChaosLimits {
  /** No call takes longer, an admin's pause in the middle of a flood included. */
  callMs: number;
  /** Nothing that is due and held by nobody stands still for longer. */
  silenceMs: number;
}

/** Everything that must be true when the chaos is over and all is settled. */
export async function checkChaos(run: {
  stack: Stack;
  client: ChaosClient;
  receivers: MoodyReceivers;
  silences: readonly Silence[];
  left: readonly string[];
  limits: ChaosLimits;
}): Promise<Check[]> {
  const { stack, client, receivers, silences, left } = run;
  const { callMs, silenceMs } = run.limits;
  const { query } = stack.database;
  const [noErrors] = readLogs(stack.logs, []).checks;
  const requests = [...client.calls.values()].flatMap(({ ms }) => ms);
  return [
    await checkDeadlocks(stack),
    {
      name: "every call is answered, none with 500 or above",
      of: requests.length,
      broken: client.refused,
    },
    {
      name: `no call takes longer than ${callMs / 1_000} s`,
      of: requests.length,
      broken: [...client.calls].flatMap(([name, { ms }]) => {
        const slow = ms.filter((one) => one > callMs);
        return slow.length === 0
          ? []
          : `${name}: ${slow.length} times, ${Math.round(Math.max(...slow))} ms at worst`;
      }),
    },
    {
      name: `no lane or account stands still for ${silenceMs / 1_000} s`,
      of: silences.length,
      broken: silences.filter(({ ms }) => ms > silenceMs).map(({ of, ms }) => `${of}: ${ms} ms`),
    },
    { name: "nothing is left in the end", of: left.length, broken: [...left] },
    await checkBooks(query),
    await checkAttemptNumbers(query),
    await checkLanes(query),
    await checkOrder(query, receivers.steady),
    noErrors!,
    await checkRepairs(stack),
  ];
}

/** What has not come to its end, except what a breaker or an endpoint's state holds. */
export async function findLeft({ database }: Stack): Promise<string[]> {
  const rows = await database.query<{ kind: "job" | "delivery" | "replay"; id: string }>(
    `select 'job' as kind, id from job_states where finished_at is null
     union all select 'replay', id from replays where status = 'running'
     union all select 'delivery', d.id from deliveries d join lanes l on l.id = d.lane_id
       left join endpoints e on e.id = d.endpoint_id
     where d.status = 'pending' and coalesce(l.breaker_until, now()) <= now()
       and coalesce(e.state, 'active') = 'active'`,
  );
  return rows.map(({ kind, id }) => formatId(kind, id));
}

async function checkDeadlocks({ database, folder }: Stack): Promise<Check> {
  await sleep(STATISTICS_MS);
  const [row] = await database.query<{ deadlocks: number }>(
    `select deadlocks::int as deadlocks from pg_stat_database
     where datname = current_database()`,
  );
  const details = readFileSync(join(folder, "postgres.log"), "utf8")
    .split("\n")
    .filter((line) => /ERROR: {2}deadlock|Process \d+:/.test(line))
    .map((line) => line.trim().replaceAll(/\s+/g, " "));
  return { name: "no deadlock", of: row!.deadlocks, broken: row!.deadlocks === 0 ? [] : details };
}

/** `ringback_repairs_total` has no samples above zero. */
async function checkRepairs({ processes }: Stack): Promise<Check> {
  const pages = await Promise.all(
    processes.map(async ({ name, port }) => {
      const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const samples = page.split("\n").filter((line) => line.startsWith("ringback_repairs_total"));
      return samples.filter((line) => !line.endsWith(" 0")).map((line) => `${name}: ${line}`);
    }),
  );
  return { name: "nothing had to be repaired", of: pages.length, broken: pages.flat() };
}
