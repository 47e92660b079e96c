import type { SignatureVersion } from "../../src/core/model.ts";
import type { Bench, Scenario } from "../bench.ts";
import { besideFlood, drain } from "../drain.ts";
import { figure, perSecond } from "../figure.ts";
import type { Figure } from "../figure.ts";

/** Share of the ceiling with `v1` alone, by number of lanes. */
const GOALS: Record<number, number> = { 1: 0.4, 50: 0.4, 1_000: 0.3 };
const GOAL_WITH_BOTH = 0.33;

export const drainScenario: Scenario = {
  about: "due deliveries over 1, 50 and 1,000 lanes, everything on; with v1 alone, and with v1a",
  quick: true,
  async run(bench) {
    const figures = [];
    for (const lanes of bench.sizes.lanes) {
      figures.push(await drainAgainstCeiling(bench, lanes, ["v1"], GOALS[lanes] ?? 0.3));
    }
    for (const lanes of bench.sizes.lanesWithBoth) {
      figures.push(await drainAgainstCeiling(bench, lanes, ["v1", "v1a"], GOAL_WITH_BOTH));
    }
    return figures;
  },
};

async function drainAgainstCeiling(
  bench: Bench,
  lanes: number,
  signatures: SignatureVersion[],
  goal: number,
): Promise<Omit<Figure, "scenario">> {
  const { deliveries } = bench.sizes;
  const { result, ceiling } = await besideFlood(bench, deliveries, () =>
    bench.withDatabase(async (database) => {
      await database.pool.query(`update endpoints set signatures = $1`, [signatures]);
      return await drain(bench, database, { deliveries, lanes });
    }),
  );
  const { rate, secondHalf, settleMs, twice, cpu } = result;
  return figure({
    variant: `${lanes} ${lanes === 1 ? "lane" : "lanes"}, ${signatures.join(" and ")}`,
    measured: perSecond(rate),
    ceiling: `${perSecond(ceiling)} raw POSTs`,
    ratio: rate / ceiling,
    goal: { atLeast: goal },
    detail: {
      deliveries,
      second_half_per_s: secondHalf,
      settle_ms: settleMs,
      sent_twice: twice,
      cores: cpu,
    },
  });
}
