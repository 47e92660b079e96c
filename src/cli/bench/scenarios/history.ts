import { apiOf, until, untilArrived } from "../bench.ts";
import type { Bench } from "../bench.ts";
import { apiHeaders } from "../bodies.ts";
import type { BenchDatabase } from "../database.ts";
import { drain } from "../drain.ts";
import { count, figure, ms, perSecond } from "../figure.ts";
import { makeHistory } from "../history.ts";
import { formatId } from "../../../core/ids.ts";
import type { Scenario } from "../scenario.ts";
import { quantile } from "../stats.ts";

const LANES = 50;
/** Real ones, so that each list has a full page even without history. */
const SEEDS = 100;

export const historyScenario: Scenario = {
  about: "a drain, and look-ups by the API, with many attempts kept",
  quick: false,
  async run(bench) {
    const { deliveries, history } = bench.sizes;
    const measure = (kept: number) =>
      bench.withDatabase(async (database) => {
        const ids = await seed(bench, database);
        if (kept > 0) await makeHistory(bench, database, kept);
        const looks = await lookUps(bench, database, ids);
        const drained = await drain(bench, database, { deliveries, lanes: LANES });
        return { looks, drained };
      });
    // without before and after, as machines are not steady
    const before = await measure(0);
    const full = await measure(history);
    const after = await measure(0);
    const emptyRate = (before.drained.rate + after.drained.rate) / 2;
    const emptyMs = (route: string): number => (before.looks[route]! + after.looks[route]!) / 2;
    const routes = Object.keys(full.looks);
    const slowdown = (route: string): number => full.looks[route]! / emptyMs(route);
    const worst = routes.reduce((a, b) => (slowdown(a) > slowdown(b) ? a : b));
    return [
      figure({
        variant: `drain, ${count(history)} kept`,
        measured: perSecond(full.drained.rate),
        ceiling: `${perSecond(emptyRate)} empty`,
        ratio: full.drained.rate / emptyRate,
        goal: { atLeast: 0.9 },
        detail: { cores: full.drained.cpu, cores_empty: [before.drained.cpu, after.drained.cpu] },
      }),
      figure({
        variant: `worst look-up: ${worst}`,
        measured: ms(full.looks[worst]!),
        ceiling: `${ms(emptyMs(worst))} empty`,
        ratio: slowdown(worst),
        goal: { atMost: 1.5 },
        detail: { median_ms: full.looks, median_ms_empty: [before.looks, after.looks] },
      }),
    ];
  },
};

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

/** Median milliseconds of each look-up. */
async function lookUps(
  bench: Bench,
  database: BenchDatabase,
  ids: SeedIds,
): Promise<Record<string, number>> {
  const { client, fixture, sizes } = bench;
  const looks = {
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
  return await bench.withProduct(database, ["api"], async ([api]) => {
    const medians: Record<string, number> = {};
    for (const [name, path] of Object.entries(looks)) {
      const look = { url: api!.url + path, headers: apiHeaders(fixture.lanes.apiKey) };
      await client.call("lookUps", { ...look, count: Math.ceil(sizes.lookUps / 3) });
      medians[name] = quantile(
        await client.call("lookUps", { ...look, count: sizes.lookUps }),
        0.5,
      );
      bench.tell(`${name}: ${ms(medians[name])}`);
    }
    return medians;
  });
}
