import { addLaneOwners } from "../accounts.ts";
import type { LaneOwner } from "../accounts.ts";
import type { Agent } from "../agent.ts";
import type { ClientOperations } from "../agents/client.ts";
import type { Sent } from "../agents/open-loop.ts";
import type { Load } from "../agents/sender.ts";
import { apiOf, until, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import { count, figure, ms } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { latencies, quantile } from "../stats.ts";
import { messagesTo, USUAL } from "../ways.ts";
import type { Way } from "../ways.ts";

const QUIET_RATE = 10;
/** One stretch of the quiet account's load beside the noisy one. */
const STRETCH_S = 2;
const WAYS: Way[] = ["jobs", "messages"];

export const noisyScenario: Scenario = {
  about: "one account sends many jobs at once, another 10/s; the same with messages",
  quick: false,
  async run(bench) {
    const figures = [];
    for (const way of WAYS) figures.push(await beside(bench, way));
    return figures;
  },
};

async function beside(bench: Bench, way: Way): Promise<Omit<Figure, "scenario">> {
  return await bench.withDatabase(async (database) => {
    const owners = await addLaneOwners(bench, database, { ...USUAL, accounts: 2 });
    await bench.receiver.call("reset");
    return await bench.withProduct(database, bench.processes, (processes) =>
      bench.withAgent("client", async (noisy: Agent<ClientOperations>) => {
        const loads = owners.map((owner) => loadOf(bench, apiOf(processes), owner, way));
        const found = await measure(bench, noisy, loads);
        const { without, beside: during, burstMs } = found;
        const [least, took] = [quantile(without, 0.99), quantile(during, 0.99)];
        bench.tell(`${way}: p99 of the quiet account ${ms(took)}, alone ${ms(least)}`);
        return figure({
          variant: `p99 beside ${count(bench.sizes.jobs)} ${way}`,
          measured: ms(took),
          ceiling: `${ms(least)} alone`,
          ratio: took / least,
          goal: { atMost: 3 },
          detail: {
            samples: during.length,
            samples_alone: without.length,
            p50_ms: quantile(during, 0.5),
            p50_alone_ms: quantile(without, 0.5),
            burst_ms: burstMs,
          },
        });
      }),
    );
  });
}

function loadOf(bench: Bench, apiUrl: string, owner: LaneOwner, way: Way): Load {
  return {
    url: `${apiUrl}/v1/${way}`,
    headers: apiHeaders(owner.apiKey),
    bodies: way === "jobs" ? jobRequests(`${bench.receiverUrl}/noisy`) : messagesTo([owner]),
    connections: 64,
  };
}

/** The quiet account's latencies, alone and while the noisy account's jobs are under way. */
async function measure(
  bench: Bench,
  noisy: Agent<ClientOperations>,
  [noisyLoad, quietLoad]: readonly Load[],
): Promise<{ without: number[]; beside: number[]; burstMs: number }> {
  const { client, receiver, sizes } = bench;
  let quiet = 0;
  const sendQuiet = async (label: string, seconds: number): Promise<Sent> => {
    const sent = await client.call("openLoop", {
      ...quietLoad!,
      rate: QUIET_RATE,
      label,
      seconds,
    });
    quiet += sent.keys.length;
    return sent;
  };
  await sendQuiet("warm", WARM_S);
  await untilArrived(bench, quiet);
  const alone = await sendQuiet("alone", sizes.seconds);
  await untilArrived(bench, quiet);

  const startedAt = performance.timeOrigin + performance.now();
  const burst = noisy.call("flood", { ...noisyLoad!, count: sizes.jobs });
  // it may fail while nobody looks
  burst.catch(() => undefined);
  const stretches: Sent[] = [];
  await until("what the noisy account sent", async () => {
    stretches.push(await sendQuiet(`beside-${stretches.length}`, STRETCH_S));
    const arrived = await receiver.call("count");
    // the last ones sent are still on their way
    return { done: arrived >= sizes.jobs + quiet - STRETCH_S * QUIET_RATE, progress: arrived };
  });
  await burst;
  await untilArrived(bench, sizes.jobs + quiet);

  const arrivals = await receiver.call("arrivals");
  const ofBurst = arrivals.ticks.filter((_, i) => !/^(warm|alone|beside)-/.test(arrivals.keys[i]!));
  const endedAt = ofBurst.at(-1)!;
  return {
    without: latencies(alone, arrivals),
    beside: stretches.flatMap((sent) => latencies(sent, arrivals, (n) => sent.ticks[n]! < endedAt)),
    burstMs: Math.round(endedAt - startedAt),
  };
}
