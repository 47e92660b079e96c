import type { Agent } from "../agent.ts";
import type { CeilingOperations } from "../agents/ceilings.ts";
import type { Sent } from "../agents/open-loop.ts";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests, webhookBodies } from "../bodies.ts";
import { figure, ms } from "../figure.ts";
import { settleDown } from "../prepare.ts";
import { latencies, quantile } from "../stats.ts";

const QUANTILES = [
  { name: "p50", q: 0.5, atMost: 4 },
  { name: "p99", q: 0.99, atMost: 8 },
];
const CONNECTIONS = 64;

export const latencyScenario: Scenario = {
  about: "from before the submission until the receiver has the body, 50 and 200 jobs/s",
  quick: true,
  async run(bench) {
    const figures = [];
    for (const rate of bench.sizes.rates) {
      const chain = await measureChain(bench, rate);
      const product = await measureProduct(bench, rate);
      for (const { name, q, atMost } of QUANTILES) {
        const [took, least] = [quantile(product, q), quantile(chain, q)];
        bench.tell(`${rate}/s ${name}: ${ms(took)}, chain ${ms(least)}`);
        figures.push(
          figure({
            variant: `${name} at ${rate}/s`,
            measured: ms(took),
            ceiling: `${ms(least)} insert, notify, POST`,
            ratio: took / least,
            goal: { atMost },
            detail: { samples: product.length, worst_ms: Math.max(...product) },
          }),
        );
      }
    }
    return figures;
  },
};

async function measureChain(bench: Bench, rate: number): Promise<number[]> {
  const load = {
    url: `${bench.receiverUrl}/chain`,
    headers: { "content-type": "application/json" },
    bodies: webhookBodies(),
    connections: CONNECTIONS,
  };
  return await bench.withDatabase(({ url, pool }) =>
    bench.withAgent("ceilings", async (ceilings: Agent<CeilingOperations>) => {
      await settleDown(pool);
      return await warmThenMeasure(bench, rate, (loop) =>
        ceilings.call("chain", url, { ...load, ...loop }),
      );
    }),
  );
}

async function measureProduct(bench: Bench, rate: number): Promise<number[]> {
  const { client, fixture, receiverUrl } = bench;
  return await bench.withDatabase(async (database) => {
    await settleDown(database.pool);
    return await bench.withProduct(database, bench.processes, (processes) => {
      const load = {
        url: `${apiOf(processes)}/v1/jobs`,
        headers: apiHeaders(fixture.jobs.apiKey),
        bodies: jobRequests(`${receiverUrl}/latency`),
        connections: CONNECTIONS,
      };
      return warmThenMeasure(bench, rate, (loop) => client.call("openLoop", { ...load, ...loop }));
    });
  });
}

type Loop = { rate: number; seconds: number; label: string };

/** The same load twice; the first one only warms. */
async function warmThenMeasure(
  bench: Bench,
  rate: number,
  send: (loop: Loop) => Promise<Sent>,
): Promise<number[]> {
  const { receiver, sizes } = bench;
  await receiver.call("reset");
  const warm = await send({ rate, seconds: WARM_S, label: "warm" });
  await untilArrived(bench, warm.keys.length);
  const sent = await send({ rate, seconds: sizes.seconds, label: "measured" });
  await untilArrived(bench, warm.keys.length + sent.keys.length);
  return latencies(sent, await receiver.call("arrivals"));
}
