import { formatId } from "../../src/core/ids.ts";
import type { Sent } from "../agents/open-loop.ts";
import { apiOf, until, untilArrived, WARM_S } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders, jobRequests, webhookBodies } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { count, figure, ms } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { prepareBacklog } from "../prepare.ts";
import { latencies, quantile } from "../stats.ts";

const RATE = 50;
/** One stretch of the other account's load beside a change. */
const STRETCH_S = 2;
/** Each look counts all that is left, which takes the database tens of milliseconds. */
const LOOK_MS = 2_000;
const GOAL = { atMost: 1.5 };

export const changesScenario: Scenario = {
  about: "an account changes endpoints with many pending deliveries, another submits 50 jobs/s",
  quick: false,
  async run(bench) {
    const { fixture, sizes } = bench;
    const many = sizes.deliveries * 2;
    return await bench.withDatabase(async (database) => {
      await prepareBacklog(bench, database, {
        deliveries: 2 * many,
        accountId: fixture.lanes.id,
        lanes: fixture.endpoints.slice(0, 2),
        bodies: small(),
      });
      await killLane(database, fixture.endpoints[1]!.laneId);
      await bench.receiver.call("reset");
      // what is sent to the account meanwhile is never answered
      await bench.receiver.call("hang", "/lane");
      return await bench.withProduct(database, bench.processes, async (processes) => {
        const url = apiOf(processes);
        const other = await otherAccount(bench, url);
        const figures: Omit<Figure, "scenario">[] = [];
        for (const [what, change] of changesOf(bench, database, url)) {
          const { beside, tookS } = await other.beside(what, change);
          const took = quantile(beside, 0.99);
          bench.tell(`${what}: ${tookS.toFixed(1)} s; p99 of the other account ${ms(took)}`);
          figures.push(
            figure({
              variant: `p99 while ${count(many)} are ${what}`,
              measured: ms(took),
              ceiling: `${ms(other.aloneMs)} without`,
              ratio: took / other.aloneMs,
              goal: GOAL,
              detail: { seconds: tookS, samples: beside.length, p50_ms: quantile(beside, 0.5) },
            }),
          );
        }
        await bench.receiver.call("reset");
        return figures;
      });
    });
  },
};

function small(): string[] {
  return webhookBodies(256);
}

type Change = () => Promise<void>;

/** Each resolves when all deliveries are changed. */
function changesOf(
  { fixture }: Bench,
  { pool }: BenchDatabase,
  url: string,
): [what: string, Change][] {
  const [first, second] = fixture.endpoints.map(({ endpointId }) =>
    formatId("endpoint", endpointId),
  );
  const { laneId } = fixture.endpoints[0]!;
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: apiHeaders(fixture.lanes.apiKey),
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  const untilNone = async (what: string, sql: string): Promise<void> => {
    const look = async (): Promise<{ done: boolean; progress: number }> => {
      const { rows } = await pool.query<{ left: number }>(sql, [laneId]);
      return { done: rows[0]!.left === 0, progress: -rows[0]!.left };
    };
    await until(what, look, LOOK_MS);
  };
  return [
    [
      "made ordered",
      async () => {
        await ask("PATCH", `/v1/endpoints/${first!}`, { ordered: true });
        await untilNone(
          "places",
          `select count(*)::int as left from deliveries d join lanes l on l.id = d.lane_id
           where l.id = $1 and ordering_xid is not null and status = 'pending' and lane_position is null`,
        );
      },
    ],
    [
      "canceled",
      async () => {
        await ask("DELETE", `/v1/endpoints/${first!}`);
        await untilNone(
          "the end of an endpoint",
          "select count(*)::int as left from deliveries where lane_id = $1 and status = 'pending'",
        );
      },
    ],
    [
      "replayed",
      async () => {
        await ask("POST", `/v1/endpoints/${second!}/pause`);
        const filter = { endpoint_id: second!, status: "dead" };
        const { id } = (await ask("POST", "/v1/replays", { filter })) as { id: string };
        await until(
          "the replay",
          async () => {
            const replay = (await ask("GET", `/v1/replays/${id}`)) as Record<string, unknown>;
            return { done: replay["status"] === "completed", progress: Number(replay["replayed"]) };
          },
          LOOK_MS,
        );
      },
    ],
  ];
}

/** All that is pending in a lane becomes dead letters. */
async function killLane({ pool }: BenchDatabase, laneId: string): Promise<void> {
  await pool.query(
    `with dead as (
       update deliveries set status = 'dead', next_attempt_at = null, finished_at = now()
       where lane_id = $1 returning id, account_id, endpoint_id)
     insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
     select id, account_id, endpoint_id, 'exhausted', 'bench' from dead`,
    [laneId],
  );
  await pool.query("vacuum analyze");
}

interface OtherAccount {
  /** p99 without any change. */
  aloneMs: number;
  /** Its latencies from submission to arrival while a change is under way. */
  beside(what: string, change: Change): Promise<{ beside: number[]; tookS: number }>;
}

async function otherAccount(bench: Bench, url: string): Promise<OtherAccount> {
  const { client, receiver, fixture, receiverUrl, sizes } = bench;
  let sentInAll = 0;
  const send = async (label: string, seconds: number): Promise<Sent> => {
    const sent = await client.call("openLoop", {
      url: `${url}/v1/jobs`,
      headers: apiHeaders(fixture.quiet.apiKey),
      bodies: jobRequests(`${receiverUrl}/quiet`),
      connections: 64,
      rate: RATE,
      label,
      seconds,
    });
    sentInAll += sent.keys.length;
    return sent;
  };
  await send("warm", WARM_S);
  await untilArrived(bench, sentInAll);
  const alone = await send("alone", sizes.seconds);
  await untilArrived(bench, sentInAll);
  const aloneMs = quantile(latencies(alone, await receiver.call("arrivals")), 0.99);
  return {
    aloneMs,
    async beside(what, change) {
      const began = performance.now();
      let done = false;
      const changed = change().finally(() => (done = true));
      // it may fail while nobody looks
      changed.catch(() => undefined);
      const stretches: Sent[] = [];
      while (!done) {
        const label = `${what.replace(" ", "-")}-${stretches.length}`;
        stretches.push(await send(label, STRETCH_S));
      }
      await changed;
      const tookS = (performance.now() - began) / 1000;
      await untilArrived(bench, sentInAll);
      const arrivals = await receiver.call("arrivals");
      return { beside: stretches.flatMap((sent) => latencies(sent, arrivals)), tookS };
    },
  };
}
