import { addLaneOwners } from "../accounts.ts";
import type { Bench, Scenario } from "../bench.ts";
import { webhookBodies } from "../bodies.ts";
import { drain } from "../drain.ts";
import { count, figure } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { readPssMb, withChildren } from "../proc.ts";
import { driveWay, USUAL } from "../ways.ts";

const BODY_BYTES = 256 * 1024;
const LANES = 200;
const LIMIT_MB = 400;
const ROLES = ["api", "compute", "deliver"];
const LIMIT_OF_ALL_MB = 500;

export const memoryScenario: Scenario = {
  about: "256 kB bodies pending over 200 lanes; all processes and Postgres after the usual load",
  quick: false,
  async run(bench) {
    const peak = await peakOfLargeBodies(bench);
    if (bench.postgresPid === null) {
      bench.tell("memory of all: left out, as the Postgres is not the benchmark's own");
      return [peak];
    }
    return [peak, await allAfterLoad(bench, bench.postgresPid)];
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
async function allAfterLoad(bench: Bench, postgresPid: number): Promise<Omit<Figure, "scenario">> {
  const parts = await bench.withDatabase(async (database) => {
    const owners = await addLaneOwners(bench, database, USUAL);
    return await bench.withProduct(database, ROLES, async (processes) => {
      await driveWay(bench, processes, owners, "jobs");
      await driveWay(bench, processes, owners, "messages");
      // a connection's process may end while they are read
      const ofPostgres = withChildren(postgresPid).map((pid) => readPssMb(pid) || 0);
      return {
        ...Object.fromEntries(
          processes.map(({ roles, pid }) => [roles, Math.round(readPssMb(pid))]),
        ),
        postgres: Math.round(ofPostgres.reduce((sum, mb) => sum + mb, 0)),
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
