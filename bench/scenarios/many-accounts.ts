import { addLaneOwners } from "../accounts.ts";
import type { Bench, Scenario } from "../bench.ts";
import { count } from "../figure.ts";
import { besideUsual, driveWay, USUAL } from "../ways.ts";
import type { WholePath } from "../whole-path.ts";

export const manyAccountsScenario: Scenario = {
  about: "jobs and messages of 1,000 accounts in turn, against one",
  quick: false,
  async run(bench) {
    const { manyAccounts } = bench.sizes;
    const usual = await measure(bench, USUAL);
    const many = await measure(bench, { accounts: manyAccounts, endpoints: 1 });
    const accounts = `${count(manyAccounts)} accounts`;
    return [
      besideUsual(`jobs, ${accounts}`, { usual: usual.jobs, other: many.jobs }),
      besideUsual(`messages, ${accounts}`, { usual: usual.messages, other: many.messages }),
    ];
  },
};

async function measure(
  bench: Bench,
  many: { accounts: number; endpoints: number },
): Promise<{ jobs: WholePath; messages: WholePath }> {
  return await bench.withDatabase(async (database) => {
    const owners = await addLaneOwners(bench, database, many);
    return await bench.withProduct(database, bench.processes, async (processes) => ({
      jobs: await driveWay(bench, processes, owners, "jobs"),
      messages: await driveWay(bench, processes, owners, "messages"),
    }));
  });
}
