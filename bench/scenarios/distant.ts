import pg from "pg";
import { addLaneOwners } from "../accounts.ts";
import type { Agent } from "../agent.ts";
import type { DistanceOperations } from "../agents/distance.ts";
import { apiOf, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests } from "../bodies.ts";
import { figure, ms } from "../figure.ts";
import type { Figure } from "../figure.ts";
import type { ProductProcess } from "../product.ts";
import { latencies, quantile } from "../stats.ts";
import { besideUsual, driveWay, messagesTo, USUAL } from "../ways.ts";
import type { Way } from "../ways.ts";
import type { LaneOwner } from "../accounts.ts";
import type { WholePath } from "../whole-path.ts";

const ROUND_TRIP_MS = 5;
/** Per second; few enough that each goes its way alone. */
const LONE_RATE = 20;
const WAYS: Way[] = ["jobs", "messages"];

export const distantScenario: Scenario = {
  about: "a database 5 ms away, against one as near as can be behind the same proxy",
  quick: false,
  async run(bench) {
    const near = await measure(bench, 0);
    const far = await measure(bench, ROUND_TRIP_MS);
    return WAYS.flatMap((way) => [
      besideUsual(way, { usual: near[way].path, other: far[way].path }),
      roundTrips(way, near, far),
    ]);
  },
};

interface OfWay {
  path: WholePath;
  /** p50 of what is alone on its way. */
  loneMs: number;
}

interface Measured extends Record<Way, OfWay> {
  /** Of a statement that does nothing. */
  statementMs: number;
}

async function measure(bench: Bench, roundTripMs: number): Promise<Measured> {
  return await bench.withDatabase(async (database) => {
    const owners = await addLaneOwners(bench, database, USUAL);
    return await bench.withAgent("distance", async (distance: Agent<DistanceOperations>) => {
      const url = await distance.call("place", database.url, roundTripMs);
      const statementMs = await timeStatement(url);
      return await bench.withProduct({ ...database, url }, bench.processes, async (processes) => {
        const measured = async (way: Way): Promise<OfWay> => {
          const loneMs = await lone(bench, processes, owners[0]!, way);
          bench.tell(`${way} alone, ${roundTripMs} ms away: ${ms(loneMs)}`);
          return { loneMs, path: await driveWay(bench, processes, owners, way) };
        };
        const jobs = await measured("jobs");
        return { statementMs, jobs, messages: await measured("messages") };
      });
    });
  });
}

async function lone(
  bench: Bench,
  processes: readonly ProductProcess[],
  owner: LaneOwner,
  way: Way,
): Promise<number> {
  const { client, receiver, receiverUrl, sizes } = bench;
  const load = {
    url: `${apiOf(processes)}/v1/${way}`,
    headers: apiHeaders(owner.apiKey),
    bodies: way === "jobs" ? jobRequests(`${receiverUrl}/lone`) : messagesTo([owner]),
    connections: 64,
    rate: LONE_RATE,
  };
  await receiver.call("reset");
  const warm = await client.call("openLoop", { ...load, seconds: WARM_S, label: "warm" });
  await untilArrived(bench, warm.keys.length);
  await receiver.call("reset");
  const sent = await client.call("openLoop", { ...load, seconds: sizes.seconds, label: "lone" });
  await untilArrived(bench, sent.keys.length);
  return quantile(latencies(sent, await receiver.call("arrivals")), 0.5);
}

const STATEMENTS = 100;

/** The median of many, one after the other. */
async function timeStatement(url: string): Promise<number> {
  const session = new pg.Client({ connectionString: url });
  await session.connect();
  const took = [];
  for (let n = 0; n < STATEMENTS; n += 1) {
    const start = performance.now();
    await session.query("select");
    took.push(performance.now() - start);
  }
  await session.end();
  return quantile(took, 0.5);
}

/** How many round trips to the database are on the way of one that is alone. */
function roundTrips(way: Way, near: Measured, far: Measured): Omit<Figure, "scenario"> {
  const eachMs = far.statementMs - near.statementMs;
  return figure({
    variant: `${way}, round trips until it arrived`,
    measured: `${ms(far[way].loneMs)} at ${LONE_RATE}/s`,
    ceiling: `${ms(near[way].loneMs)}; ${ms(eachMs)} each`,
    ratio: (far[way].loneMs - near[way].loneMs) / eachMs,
    goal: null,
  });
}
