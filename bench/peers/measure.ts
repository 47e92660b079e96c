import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Agent } from "../agent.ts";
import type { ClientOperations } from "../agents/client.ts";
import type { ReceiverOperations } from "../agents/receiver.ts";
import type { Load } from "../agents/sender.ts";
import { untilArrived, WARM_S } from "../bench.ts";
import { latencies, middleRate, quantile, rateBetween } from "../stats.ts";

/** Who is measured, and how much. */
export interface PeerRun {
  client: Agent<ClientOperations>;
  receiver: Agent<ReceiverOperations>;
  /** Where the client asks how many have arrived. */
  arrivedUrl: string;
  load: Omit<Load, "marked">;
  seconds: number;
  /** Of a drain. */
  deliveries: number;
  /** Commands by which the peer's sending part stops and starts; without them nothing is drained. */
  sender: { stop: string; start: string } | null;
  tell(text: string): void;
}

export interface PeerFigure {
  name: string;
  unit: "/s" | "ms";
  value: number;
}

const OUTSTANDING = 500;
const RATES = [50, 200];
const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 };
/** The part of a run that counts: its pace is found, and it does not end yet. */
const [FROM, TO] = [0.1, 0.95];

/** @throws Error when a message never arrived */
export async function measurePeer(run: PeerRun): Promise<PeerFigure[]> {
  await arrivedOf(run, await openLoop(run, RATES[0]!, WARM_S, "warm"));
  const figures = [...(await publishAndDrain(run)), await publishUntilArrived(run)];
  for (const rate of RATES) figures.push(...(await latency(run, rate)));
  return figures;
}

async function publishAndDrain(run: PeerRun): Promise<PeerFigure[]> {
  const { client, receiver, load, deliveries, sender, tell } = run;
  await receiver.call("reset");
  if (sender !== null) await command(sender.stop);
  const answered = await client.call("flood", { ...load, marked: "flood", count: deliveries });
  const accepted = middleRate(answered);
  if (sender === null) {
    tell("no drain: it takes --stop-sender and --start-sender");
    await untilArrived(run, deliveries);
    return [{ name: "publish, while it is sent", unit: "/s", value: accepted }];
  }
  const early = await receiver.call("count");
  await command(sender.start);
  if (early > 0) throw new Error(`${early} arrived while nothing should have been sent`);
  await untilArrived(run, deliveries);
  const { ticks } = await receiver.call("arrivals");
  return [
    { name: "publish alone", unit: "/s", value: accepted },
    { name: `drain of ${deliveries}`, unit: "/s", value: middleRate(ticks) },
  ];
}

async function command(text: string): Promise<void> {
  await promisify(execFile)("sh", ["-c", text]);
}

async function publishUntilArrived(run: PeerRun): Promise<PeerFigure> {
  const { client, receiver, load, arrivedUrl, seconds } = run;
  await receiver.call("reset");
  const startedAt = performance.timeOrigin + performance.now();
  const spanMs = (seconds / (TO - FROM)) * 1000;
  const sent = await client.call("wholePath", {
    ...load,
    marked: "path",
    seconds: spanMs / 1000,
    outstanding: OUTSTANDING,
    arrivedUrl,
  });
  await untilArrived(run, sent);
  const { ticks } = await receiver.call("arrivals");
  const value = rateBetween(ticks, startedAt + FROM * spanMs, startedAt + TO * spanMs);
  return { name: `publish until it arrived, ${OUTSTANDING} under way`, unit: "/s", value };
}

async function latency(run: PeerRun, rate: number): Promise<PeerFigure[]> {
  const took = await arrivedOf(run, await openLoop(run, rate, run.seconds, `at-${rate}`));
  return Object.entries(QUANTILES).map(([name, q]) => ({
    name: `${name} at ${rate}/s`,
    unit: "ms",
    value: quantile(took, q),
  }));
}

async function openLoop(
  { client, receiver, load }: PeerRun,
  rate: number,
  seconds: number,
  label: string,
) {
  await receiver.call("reset");
  return await client.call("openLoop", { ...load, marked: label, rate, seconds, label });
}

async function arrivedOf(
  run: PeerRun,
  sent: Awaited<ReturnType<typeof openLoop>>,
): Promise<number[]> {
  await untilArrived(run, sent.keys.length);
  return latencies(sent, await run.receiver.call("arrivals"));
}
