import type { Scenario } from "../bench.ts";
import { drain } from "../drain.ts";
import { figure, perSecond } from "../figure.ts";

const LANES = 50;

export const twoDeliverScenario: Scenario = {
  about: "two deliver processes on the same 50 lanes",
  quick: false,
  async run(bench) {
    const { deliveries } = bench.sizes;
    const drainWith = (processes: number) =>
      bench.withDatabase((database) =>
        drain(bench, database, { deliveries, lanes: LANES, processes }),
      );
    const one = await drainWith(1);
    const two = await drainWith(2);
    if (two.twice > 0) throw new Error(`${two.twice} of ${deliveries} were sent more than once`);
    return [
      figure({
        variant: `two, ${LANES} lanes, none sent twice`,
        measured: perSecond(two.rate),
        ceiling: `${perSecond(one.rate)} with one`,
        ratio: two.rate / one.rate,
        goal: { atLeast: 1 },
        detail: { deliveries, cores: two.cpu, cores_one: one.cpu },
      }),
    ];
  },
};
