import type { LaneOwner } from "./accounts.ts";
import type { Arrivals } from "./agents/receiver.ts";
import { until, untilArrived } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { webhookBodies } from "./bodies.ts";
import type { CpuUse } from "./cpu.ts";
import type { BenchDatabase } from "./database.ts";
import { prepareBacklog, queueWakeUps } from "./prepare.ts";
import { readPeakMb } from "./proc.ts";
import { countTwice, rateOf } from "./stats.ts";

export interface Drained {
  /** Deliveries per second, from the first arrival to the last. */
  rate: number;
  arrivals: Arrivals;
  /** The same from the arrival in the middle: warm. */
  secondHalf: number;
  /** Milliseconds from the last arrival until everything was settled. */
  settleMs: number;
  /** Deliveries that were sent more than once. */
  twice: number;
  /** Of the deliver process that had most. */
  peakMb: number;
  cpu: CpuUse;
}

export interface DrainOptions {
  deliveries: number;
  /** The first ones of their owner. */
  lanes: number;
  /** The account `lanes` by default. */
  owner?: LaneOwner;
  bodies?: readonly string[];
  /** Deliver processes; 1 by default. */
  processes?: number;
}

/**
 * Due deliveries sent by real processes. These are up and idle before the lanes are woken, so
 * their start is not part of it; their code is as cold as after a start.
 * @throws Error when one was lost
 */
export async function drain(
  bench: Bench,
  database: BenchDatabase,
  options: DrainOptions,
): Promise<Drained> {
  const { receiver, tell } = bench;
  const { deliveries, processes = 1, bodies = webhookBodies() } = options;
  const { id, endpoints } = options.owner ?? {
    ...bench.fixture.lanes,
    endpoints: bench.fixture.endpoints,
  };
  const lanes = endpoints.slice(0, options.lanes);
  await prepareBacklog(bench, database, { deliveries, accountId: id, lanes, bodies });
  await receiver.call("reset");
  const roles = Array.from({ length: processes }, () => "deliver");
  return await bench.withProduct(database, roles, async (started) => {
    const { cpu } = await bench.measureCpu(started, async () => {
      await queueWakeUps(database, lanes);
      await untilArrived(bench, deliveries);
    });
    const settledAt = await untilSettled(database, deliveries);
    const arrivals = await receiver.call("arrivals");
    const rate = rateOf(arrivals.ticks);
    tell(`${deliveries} over ${lanes.length} lanes: ${Math.round(rate)}/s`);
    const settleMs = Math.round(settledAt - arrivals.ticks.at(-1)!);
    const secondHalf = Math.round(rateOf(arrivals.ticks.subarray(deliveries >> 1)));
    const peakMb = Math.round(Math.max(...started.map(({ pid }) => readPeakMb(pid))));
    return { rate, secondHalf, peakMb, arrivals, settleMs, twice: countTwice(arrivals), cpu };
  });
}

/** Until each delivery is delivered and has its attempt. Returns when that was seen. */
async function untilSettled({ pool }: BenchDatabase, deliveries: number): Promise<number> {
  await until("settle", async () => {
    const { rows } = await pool.query<{ open: number }>(
      `select count(*)::int as open from deliveries where status <> 'delivered'`,
    );
    return { done: rows[0]!.open === 0, progress: -rows[0]!.open };
  });
  const seenAt = performance.timeOrigin + performance.now();
  const { rows } = await pool.query<{ logged: number }>(
    `select count(distinct delivery_id)::int as logged from attempts a
     where exists (select from deliveries d where d.id = a.delivery_id)`,
  );
  if (rows[0]!.logged < deliveries) {
    throw new Error(`${deliveries} deliveries, but attempts of ${rows[0]!.logged} only`);
  }
  return seenAt;
}

const FLOOD_CONNECTIONS = 50;

/** What the machine gives: POSTs per second of the same bodies to the same receiver. */
async function flood(bench: Bench, count: number): Promise<number> {
  const { receiver, client } = bench;
  await receiver.call("reset");
  await client.call("flood", {
    url: `${bench.receiverUrl}/ceiling`,
    headers: { "content-type": "application/json" },
    bodies: webhookBodies(),
    connections: FLOOD_CONNECTIONS,
    count,
  });
  const { ticks } = await receiver.call("arrivals");
  bench.tell(`ceiling: ${Math.round(rateOf(ticks))} POSTs/s`);
  return rateOf(ticks);
}

/** The ceiling around a measurement: the mean of before and after, as machines are not steady. */
export async function besideFlood<T>(
  bench: Bench,
  count: number,
  work: () => Promise<T>,
): Promise<{ result: T; ceiling: number }> {
  const before = await flood(bench, count);
  const result = await work();
  return { result, ceiling: (before + (await flood(bench, count))) / 2 };
}
