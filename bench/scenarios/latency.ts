import { addLaneOwners } from "../accounts.ts";
import type { Agent } from "../agent.ts";
import type { CeilingOperations } from "../agents/ceilings.ts";
import type { Sent } from "../agents/open-loop.ts";
import type { Load } from "../agents/sender.ts";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests, webhookBodies } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { figure, ms } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { watchHandOvers } from "../hand-overs.ts";
import type { HandOvers } from "../hand-overs.ts";
import { settleDown } from "../prepare.ts";
import { latencies, quantile } from "../stats.ts";
import { messagesTo, USUAL } from "../ways.ts";

const QUANTILES = [
  { name: "p50", q: 0.5, atMost: 4 },
  { name: "p99", q: 0.99, atMost: 8 },
];
const CONNECTIONS = 64;

/** What is sent, whose webhook is waited for. */
interface Kind {
  name: string;
  /** The requests of a database, whose account is made if need be. */
  load(
    bench: Bench,
    database: BenchDatabase,
  ): Promise<{ path: string } & Pick<Load, "headers" | "bodies">>;
}

const KINDS: Kind[] = [
  {
    name: "job",
    async load({ fixture, receiverUrl }) {
      const headers = apiHeaders(fixture.jobs.apiKey);
      return { path: "/v1/jobs", headers, bodies: jobRequests(`${receiverUrl}/latency`) };
    },
  },
  {
    name: "message",
    async load(bench, database) {
      const owners = await addLaneOwners(bench, database, USUAL);
      const headers = apiHeaders(owners[0]!.apiKey);
      return { path: "/v1/messages", headers, bodies: messagesTo(owners) };
    },
  },
];

export const latencyScenario: Scenario = {
  about: "from before the request until the receiver has the body, 50 and 200 jobs and messages/s",
  quick: true,
  async run(bench) {
    const figures = [];
    for (const rate of bench.sizes.rates) {
      const chain = await measureChain(bench, rate);
      for (const kind of KINDS) figures.push(...(await against(bench, rate, kind, chain)));
    }
    return figures;
  },
};

async function against(
  bench: Bench,
  rate: number,
  kind: Kind,
  chain: readonly number[],
): Promise<Omit<Figure, "scenario">[]> {
  const { took: product, handOvers } = await measureProduct(bench, rate, kind);
  return QUANTILES.map(({ name, q, atMost }) => {
    const [took, least] = [quantile(product, q), quantile(chain, q)];
    bench.tell(`${kind.name} ${name} at ${rate}/s: ${ms(took)}, chain ${ms(least)}`);
    return figure({
      variant: `${kind.name} ${name} at ${rate}/s`,
      measured: ms(took),
      ceiling: `${ms(least)} insert, notify, POST`,
      ratio: took / least,
      goal: { atMost },
      detail: { samples: product.length, worst_ms: Math.max(...product), hand_overs: handOvers },
    });
  });
}

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
      const send: Send = (loop) => ceilings.call("chain", url, { ...load, ...loop, rate });
      await measure(bench, send, "warm", WARM_S);
      return await measure(bench, send, "measured");
    }),
  );
}

async function measureProduct(
  bench: Bench,
  rate: number,
  kind: Kind,
): Promise<{ took: number[]; handOvers: HandOvers }> {
  return await bench.withDatabase(async (database) => {
    const { path, ...load } = await kind.load(bench, database);
    await settleDown(database.pool);
    return await bench.withProduct(database, bench.processes, async (processes) => {
      const all = { ...load, url: `${apiOf(processes)}${path}`, connections: CONNECTIONS, rate };
      const send: Send = (loop) => bench.client.call("openLoop", { ...all, ...loop });
      await measure(bench, send, "warm", WARM_S);
      const count = await watchHandOvers(bench, database, processes);
      const took = await measure(bench, send, "measured");
      return { took, handOvers: await count(took.length) };
    });
  });
}

type Send = (loop: { seconds: number; label: string }) => Promise<Sent>;

/** Latencies of an open loop, when all of it has arrived. */
async function measure(
  bench: Bench,
  send: Send,
  label: string,
  seconds = bench.sizes.seconds,
): Promise<number[]> {
  const { receiver } = bench;
  await receiver.call("reset");
  const sent = await send({ seconds, label });
  await untilArrived(bench, sent.keys.length);
  return latencies(sent, await receiver.call("arrivals"));
}
