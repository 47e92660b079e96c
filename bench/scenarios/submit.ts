import type { Agent } from "../agent.ts";
import type { CeilingOperations } from "../agents/ceilings.ts";
import type { Load } from "../agents/sender.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, submitRequests } from "../bodies.ts";
import { figure, perSecond } from "../figure.ts";
import { settleDown } from "../prepare.ts";

const CONNECTIONS = 64;

/** Requests per second to a bare Express route that inserts one row for each. */
export async function submitCeiling(bench: Bench): Promise<number> {
  const rate = await bench.withDatabase((database) =>
    bench.withAgent("ceilings", async (ceilings: Agent<CeilingOperations>) => {
      const url = await ceilings.call("serveRoute", database.url);
      const headers = { "content-type": "application/json" };
      const { rate: inserts } = await closedLoop(bench, { url, headers, bodies: requests(bench) });
      return inserts;
    }),
  );
  bench.tell(`ceiling: ${Math.round(rate)} inserts/s`);
  return rate;
}

function requests({ receiverUrl }: Bench): string[] {
  return submitRequests(receiverUrl);
}

/** Requests as fast as they are answered; their rate once warm. */
export async function closedLoop(
  { client, sizes }: Bench,
  load: Omit<Load, "connections"> & { connections?: number },
): Promise<{ rate: number; answered: number }> {
  return await client.call("closedLoop", {
    connections: CONNECTIONS,
    ...load,
    warmSeconds: sizes.seconds / 4,
    seconds: sizes.seconds,
  });
}

export const submitScenario: Scenario = {
  about: "POST /v1/jobs over 64 connections, one process with the API",
  quick: true,
  async run(bench) {
    const before = await submitCeiling(bench);
    const { result, cpu } = await bench.withDatabase(async (database) => {
      await settleDown(database.pool);
      return await bench.withProduct(database, ["api"], (processes) =>
        bench.measureCpu(processes, () =>
          closedLoop(bench, {
            url: `${processes[0]!.url}/v1/jobs`,
            headers: apiHeaders(bench.fixture.jobs.apiKey),
            bodies: requests(bench),
          }),
        ),
      );
    });
    const { rate } = result;
    bench.tell(`submit: ${Math.round(rate)}/s`);
    const ceiling = (before + (await submitCeiling(bench))) / 2;
    return [
      figure({
        variant: `${CONNECTIONS} connections`,
        measured: perSecond(rate),
        ceiling: `${perSecond(ceiling)} bare inserts`,
        ratio: rate / ceiling,
        goal: { atLeast: 0.6 },
        detail: { cores: cpu },
      }),
    ];
  },
};
