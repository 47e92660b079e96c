import { addLaneOwners } from "../accounts.ts";
import type { Bench, Scenario } from "../bench.ts";
import { drain } from "../drain.ts";
import type { Drained } from "../drain.ts";
import { count, figure, perSecond } from "../figure.ts";
import { besideUsual, driveWay, USUAL } from "../ways.ts";
import type { WholePath } from "../whole-path.ts";

export const manyLanesScenario: Scenario = {
  about: "a drain, and publish → webhook, over 10,000 lanes of one account, against 50",
  quick: false,
  async run(bench) {
    const { manyLanes } = bench.sizes;
    const usual = await measure(bench, USUAL.endpoints);
    const many = await measure(bench, manyLanes);
    const [rate, usualRate] = [many.drained.rate, usual.drained.rate];
    const lanes = `${count(manyLanes)} lanes`;
    return [
      figure({
        variant: `drain, ${lanes}`,
        measured: perSecond(rate),
        ceiling: `${perSecond(usualRate)} over ${USUAL.endpoints}`,
        ratio: rate / usualRate,
        goal: { atLeast: 0.8 },
        detail: { cores: many.drained.cpu, cores_as_usual: usual.drained.cpu },
      }),
      besideUsual(`messages, ${lanes}`, { usual: usual.path, other: many.path }),
    ];
  },
};

async function measure(
  bench: Bench,
  endpoints: number,
): Promise<{ drained: Drained; path: WholePath }> {
  const { deliveries } = bench.sizes;
  return await bench.withDatabase(async (database) => {
    const [owner] = await addLaneOwners(bench, database, { accounts: 1, endpoints });
    const drained = await drain(bench, database, { deliveries, lanes: endpoints, owner: owner! });
    const path = await bench.withProduct(database, bench.processes, (processes) =>
      driveWay(bench, processes, [owner!], "messages"),
    );
    return { drained, path };
  });
}
