import { addLaneOwners } from "../accounts.ts";
import { apiOf } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests, messageRequests, webhookBodies } from "../bodies.ts";
import { drain } from "../drain.ts";
import { count, figure } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { readPssMb, withChildren } from "../proc.ts";
import { driveWholePath } from "../whole-path.ts";

const BODY_BYTES = 256 * 1024;
const LANES = 200;
const LIMIT_MB = 400;
const ROLES = ["api", "compute", "deliver"];
const ENDPOINTS = 50;
const LIMIT_OF_ALL_MB = 500;

export const memoryScenario: Scenario = {
  about: "256 kB bodies pending over 200 lanes; all processes and Postgres after the usual load",
  quick: false,
  async run(bench) {
    const peak = await peakOfLargeBodies(bench);
    // where it can't be told what Postgres uses, the sum would mislead
    return bench.postgresPid === null ? [peak] : [peak, await allAfterLoad(bench)];
  },
};

async function peakOfLargeBodies(bench: Bench): Promise<Omit<Figure, "scenario">> {
  const deliveries = bench.sizes.large;
  const bodies = webhookBodies(BODY_BYTES, 16);
  const { rate, peakMb, cpu } = await bench.withDatabase((database) =>
    drain(bench, database, { deliveries, lanes: LANES, bodies }),
  );
  bench.tell(`peak of the deliver process: ${peakMb} MB`);
  return figure({
    variant: `peak RSS, ${count(deliveries)} pending`,
    measured: `${peakMb} MB`,
    ceiling: `${LIMIT_MB} MB`,
    ratio: peakMb / LIMIT_MB,
    goal: { atMost: 1 },
    detail: { deliveries_per_s: Math.round(rate), cores: cpu },
  });
}

/** What is shared, as the buffers of Postgres are, counts once. */
async function allAfterLoad(bench: Bench): Promise<Omit<Figure, "scenario">> {
  const { fixture, receiverUrl } = bench;
  const parts = await bench.withDatabase(async (database) => {
    const many = { accounts: 1, endpoints: ENDPOINTS };
    const [owner] = await addLaneOwners(bench, database, many);
    return await bench.withProduct(database, ROLES, async (processes) => {
      const api = apiOf(processes);
      await driveWholePath(bench, processes, {
        url: `${api}/v1/jobs`,
        headers: apiHeaders(fixture.jobs.apiKey),
        bodies: jobRequests(`${receiverUrl}/memory`),
      });
      await driveWholePath(bench, processes, {
        url: `${api}/v1/messages`,
        headers: apiHeaders(owner!.apiKey),
        bodies: owner!.endpoints.map(({ eventType }) => messageRequests(eventType, 1)[0]!),
      });
      const sum = (pids: number[]): number =>
        Math.round(pids.reduce((mb, pid) => mb + (readPssMb(pid) || 0), 0));
      return {
        ...Object.fromEntries(processes.map(({ roles, pid }) => [roles, sum([pid])])),
        postgres: sum(withChildren(bench.postgresPid!)),
      };
    });
  });
  const all = Object.values(parts).reduce((mb, part) => mb + part, 0);
  bench.tell(`memory: ${JSON.stringify(parts)}`);
  return figure({
    variant: "PSS of three processes and Postgres",
    measured: `${all} MB`,
    ceiling: `${LIMIT_OF_ALL_MB} MB`,
    ratio: all / LIMIT_OF_ALL_MB,
    goal: { atMost: 1 },
    detail: { mb: parts },
  });
}
