import { setTimeout as sleep } from "node:timers/promises";
import type { Load } from "./agents/sender.ts";
import { untilArrived, WARM_S } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { CpuUse } from "./cpu.ts";
import type { ProductProcess } from "./product.ts";
import { countTwice, rateBetween } from "./stats.ts";

const CONNECTIONS = 64;
/** Requests that may be under way at once, from being sent to the arrival of their webhook. */
const OUTSTANDING = 500;
/** The part of the run that counts: its pace is found, and it does not end yet. */
const [FROM, TO] = [0.1, 0.95];

export interface WholePath {
  /** Arrivals per second in the part that counts. */
  rate: number;
  /** The same in the last third of it. */
  lastThird: number;
  sent: number;
  /** Of those, not arrived when the last was sent. */
  left: number;
  sentTwice: number;
  cpu: CpuUse;
  /** Milliseconds of CPU per arrival, by part. */
  cpuMs: Record<string, number>;
}

/** Requests of one webhook each, sent so that nothing grows behind. @throws Error when one was lost */
export async function driveWholePath(
  bench: Bench,
  processes: readonly ProductProcess[],
  load: Omit<Load, "connections">,
  counted: number = bench.sizes.seconds,
): Promise<WholePath> {
  const { client, receiver, receiverUrl } = bench;
  const drive = (seconds: number): Promise<number> =>
    client.call("wholePath", {
      ...load,
      connections: CONNECTIONS,
      outstanding: OUTSTANDING,
      arrivedUrl: receiverUrl,
      seconds,
    });
  await receiver.call("reset");
  await untilArrived(bench, await drive(WARM_S));
  await receiver.call("reset");
  const seconds = counted / (TO - FROM);
  const startedAt = performance.timeOrigin + performance.now();
  const { result, cpu } = await bench.measureCpu(processes, async () => {
    const sent = await drive(seconds);
    const endedAt = performance.timeOrigin + performance.now();
    return { sent, endedAt, arrived: await receiver.call("count") };
  });
  const { sent, endedAt, arrived } = result;
  await untilArrived(bench, sent);
  // nothing more than was sent
  await sleep(200);
  const arrivals = await receiver.call("arrivals");
  const at = (share: number): number => startedAt + share * seconds * 1000;
  const each = (cores: number): number => (cores * (endedAt - startedAt)) / arrived;
  return {
    rate: rateBetween(arrivals.ticks, at(FROM), at(TO)),
    lastThird: rateBetween(arrivals.ticks, at(TO - (TO - FROM) / 3), at(TO)),
    sent,
    left: sent - arrived,
    sentTwice: countTwice(arrivals),
    cpu,
    cpuMs: Object.fromEntries(Object.entries(cpu).map(([part, cores]) => [part, each(cores)])),
  };
}
