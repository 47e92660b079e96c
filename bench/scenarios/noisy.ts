import type { Agent } from "../agent.ts";
import type { ClientOperations } from "../agents/client.ts";
import type { Sent } from "../agents/open-loop.ts";
import { apiOf, until, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import { count, figure, ms } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import { latencies, quantile } from "../stats.ts";

const QUIET_RATE = 10;
/** One stretch of the quiet account's load beside the noisy one. */
const STRETCH_S = 2;

export const noisyScenario: Scenario = {
  about: "one account submits many jobs at once, another 10/s",
  quick: false,
  async run(bench) {
    return await bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      await bench.receiver.call("reset");
      return await bench.withProduct(database, bench.processes, (processes) =>
        bench.withAgent("client", async (noisy: Agent<ClientOperations>) => {
          const { without, beside, burstMs } = await measure(bench, noisy, apiOf(processes));
          const [least, took] = [quantile(without, 0.99), quantile(beside, 0.99)];
          bench.tell(`p99 of the quiet account: ${ms(took)}, alone ${ms(least)}`);
          return [
            figure({
              variant: `p99 beside ${count(bench.sizes.jobs)} jobs`,
              measured: ms(took),
              ceiling: `${ms(least)} alone`,
              ratio: took / least,
              goal: { atMost: 3 },
              detail: {
                samples: beside.length,
                samples_alone: without.length,
                p50_ms: quantile(beside, 0.5),
                p50_alone_ms: quantile(without, 0.5),
                burst_ms: burstMs,
              },
            }),
          ];
        }),
      );
    });
  },
};

/** The quiet account's latencies, alone and while the noisy account's jobs are under way. */
async function measure(
  bench: Bench,
  noisy: Agent<ClientOperations>,
  apiUrl: string,
): Promise<{ without: number[]; beside: number[]; burstMs: number }> {
  const { client, receiver, fixture, receiverUrl, sizes } = bench;
  const url = `${apiUrl}/v1/jobs`;
  let quiet = 0;
  const sendQuiet = async (label: string, seconds: number): Promise<Sent> => {
    const sent = await client.call("openLoop", {
      url,
      headers: apiHeaders(fixture.quiet.apiKey),
      bodies: jobRequests(`${receiverUrl}/quiet`),
      connections: 64,
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
  const burst = noisy.call("flood", {
    url,
    headers: apiHeaders(fixture.jobs.apiKey),
    bodies: jobRequests(`${receiverUrl}/noisy`),
    connections: 64,
    count: sizes.jobs,
  });
  // it may fail while nobody looks
  burst.catch(() => undefined);
  const stretches: Sent[] = [];
  await until("the noisy account's jobs", async () => {
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
