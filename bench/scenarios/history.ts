import { apiOf, until, untilArrived } from "../bench.ts";
import type { Bench, Scenario } from "../bench.ts";
import { apiHeaders } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { drain } from "../drain.ts";
import type { Drained } from "../drain.ts";
import { count, figure, ms, perSecond } from "../figure.ts";
import type { Figure } from "../figure.ts";
import { makeHistory } from "../history.ts";
import { formatId } from "../../src/core/ids.ts";
import type { ProductProcess } from "../product.ts";
import { quantile } from "../stats.ts";

const LANES = 50;
/** Real ones, so that each list has a full page even without history. */
const SEEDS = 100;

export const historyScenario: Scenario = {
  about: "a drain, and look-ups by the API, with many attempts kept",
  quick: false,
  async run(bench) {
    const { history } = bench.sizes;
    return await bench.withDatabase(
      async (empty) =>
        await bench.withDatabase(async (full) => {
          const of = { empty: await seed(bench, empty), full: await seed(bench, full) };
          await makeHistory(bench, full, history);
          const looks = await lookUps(bench, { empty, full }, of);
          const drains = await drainInTurn(bench, { empty, full });
          return [drainFigure(history, drains), lookUpFigure(looks)];
        }),
    );
  },
};

/** What is compared is measured in turns, as machines are not steady. */
interface Both<T> {
  empty: T;
  full: T;
}

interface Drains {
  before: Drained;
  full: Drained;
  after: Drained;
}

async function drainInTurn(bench: Bench, { empty, full }: Both<BenchDatabase>): Promise<Drains> {
  const { deliveries } = bench.sizes;
  const drainOf = (database: BenchDatabase) => drain(bench, database, { deliveries, lanes: LANES });
  return {
    before: await drainOf(empty),
    full: await drainOf(full),
    after: await bench.withDatabase(drainOf),
  };
}

function drainFigure(history: number, { before, full, after }: Drains): Omit<Figure, "scenario"> {
  const emptyRate = (before.rate + after.rate) / 2;
  return figure({
    variant: `drain, ${count(history)} kept`,
    measured: perSecond(full.rate),
    ceiling: `${perSecond(emptyRate)} empty`,
    ratio: full.rate / emptyRate,
    goal: { atLeast: 0.9 },
    detail: { cores: full.cpu, cores_empty: [before.cpu, after.cpu] },
  });
}

function lookUpFigure(medians: Both<Medians>): Omit<Figure, "scenario"> {
  const slowdown = (route: string): number => medians.full[route]! / medians.empty[route]!;
  const worst = Object.keys(medians.full).reduce((a, b) => (slowdown(a) > slowdown(b) ? a : b));
  return figure({
    variant: `worst look-up: ${worst}`,
    measured: ms(medians.full[worst]!),
    ceiling: `${ms(medians.empty[worst]!)} empty`,
    ratio: slowdown(worst),
    goal: { atMost: 1.5 },
    detail: { median_ms: medians.full, median_ms_empty: medians.empty },
  });
}

interface SeedIds {
  job: string;
  message: string;
  delivery: string;
  endpoint: string;
}

/** A few jobs that really went all the way. */
async function seed(bench: Bench, database: BenchDatabase): Promise<SeedIds> {
  const { client, receiver, fixture } = bench;
  const { endpointId } = fixture.endpoints[0]!;
  const callbacks = [{ endpoint_id: formatId("endpoint", endpointId) }];
  await receiver.call("reset");
  return await bench.withProduct(database, bench.processes, async (processes) => {
    await client.call("flood", {
      url: `${apiOf(processes)}/v1/jobs`,
      headers: apiHeaders(fixture.lanes.apiKey),
      bodies: [JSON.stringify({ type: "demo.echo", input: { kept: true }, callbacks })],
      connections: 4,
      count: SEEDS,
    });
    await untilArrived(bench, SEEDS);
    await until("all is settled", async () => {
      const open = await database.pool.query(
        `select from deliveries where status <> 'delivered' limit 1`,
      );
      return { done: open.rows.length === 0, progress: 0 };
    });
    const { rows } = await database.pool.query<{ id: string; message_id: string; job_id: string }>(
      `select id, message_id, job_id from deliveries order by id limit 1`,
    );
    const [first] = rows;
    return {
      job: formatId("job", first!.job_id),
      message: formatId("message", first!.message_id),
      delivery: formatId("delivery", first!.id),
      endpoint: formatId("endpoint", endpointId),
    };
  });
}

/** Milliseconds by look-up. */
type Medians = Record<string, number>;

const ROUNDS = 4;

async function lookUps(
  bench: Bench,
  databases: Both<BenchDatabase>,
  of: Both<SeedIds>,
): Promise<Both<Medians>> {
  const { client, fixture, sizes } = bench;
  const headers = apiHeaders(fixture.lanes.apiKey);
  const each = Math.ceil(sizes.lookUps / ROUNDS);
  const paths = { empty: pathsOf(of.empty), full: pathsOf(of.full) };
  return await bench.withProduct(databases.empty, ["api"], ([emptyApi]) =>
    bench.withProduct(databases.full, ["api"], async ([fullApi]) => {
      const look = async (api: ProductProcess, path: string): Promise<number[]> => [
        ...(await client.call("lookUps", { url: api.url + path, headers, count: each })),
      ];
      const medians: Both<Medians> = { empty: {}, full: {} };
      for (const [name, path] of Object.entries(paths.full)) {
        const took: Both<number[]> = { empty: [], full: [] };
        for (let round = 0; round <= ROUNDS; round += 1) {
          const empty = await look(emptyApi!, paths.empty[name]!);
          const full = await look(fullApi!, path);
          // the first is for warmth
          if (round > 0) took.empty.push(...empty);
          if (round > 0) took.full.push(...full);
        }
        medians.empty[name] = quantile(took.empty, 0.5);
        medians.full[name] = quantile(took.full, 0.5);
        bench.tell(`${name}: ${ms(medians.full[name])}, empty ${ms(medians.empty[name])}`);
      }
      return medians;
    }),
  );
}

function pathsOf(ids: SeedIds): Record<string, string> {
  return {
    "GET /v1/jobs/{id}": `/v1/jobs/${ids.job}`,
    "GET /v1/jobs": "/v1/jobs?limit=50",
    "GET /v1/jobs?status": "/v1/jobs?limit=50&status=completed",
    "GET /v1/jobs?type": "/v1/jobs?limit=50&type=demo.echo",
    "GET /v1/jobs?status=failed": "/v1/jobs?limit=50&status=failed",
    "GET /v1/messages/{id}": `/v1/messages/${ids.message}`,
    "GET /v1/deliveries/{id}": `/v1/deliveries/${ids.delivery}`,
    "GET /v1/deliveries": "/v1/deliveries?limit=50",
    "GET /v1/deliveries?status": "/v1/deliveries?limit=50&status=delivered",
    "GET /v1/deliveries?endpoint_id": `/v1/deliveries?limit=50&endpoint_id=${ids.endpoint}`,
    "GET /v1/deliveries?job_id": `/v1/deliveries?limit=50&job_id=${ids.job}`,
    "GET /v1/deliveries?event_type": "/v1/deliveries?limit=50&event_type=order.created",
    "GET /v1/deliveries?status_class": "/v1/deliveries?limit=50&status_class=5xx",
    "GET /v1/deliveries?min_attempts": "/v1/deliveries?limit=50&min_attempts=3",
    "GET /v1/dead-letters": "/v1/dead-letters?limit=50",
    "GET /v1/overview": "/v1/overview",
  };
}
