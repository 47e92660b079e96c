import pg from "pg";
import { addLaneOwners } from "../accounts.ts";
import type { Bench, Scenario } from "../bench.ts";
import type { BenchDatabase } from "../database.ts";
import { count } from "../figure.ts";
import { besideUsual, driveWay, USUAL } from "../ways.ts";
import type { WholePath } from "../whole-path.ts";

export const pinnedXminScenario: Scenario = {
  about: "submit → demo.echo → webhook while a transaction is held open, so that no row is freed",
  quick: false,
  async run(bench) {
    const usual = await measure(bench, async (_, work) => await work());
    const other = await measure(bench, whilePinned);
    const seconds = count(bench.sizes.pinned);
    return [besideUsual(`jobs, last third of ${seconds} s`, { usual, other }, lastThird)];
  },
};

function lastThird(path: WholePath): number {
  return path.lastThird;
}

type Around = <T>(database: BenchDatabase, work: () => Promise<T>) => Promise<T>;

async function measure(bench: Bench, around: Around): Promise<WholePath> {
  return await bench.withDatabase(async (database) => {
    const owners = await addLaneOwners(bench, database, USUAL);
    return await bench.withProduct(database, bench.processes, (processes) =>
      around(database, () => driveWay(bench, processes, owners, "jobs", bench.sizes.pinned)),
    );
  });
}

/** A report that somebody runs, or a session that was forgotten. */
const whilePinned: Around = async ({ url }, work) => {
  const session = new pg.Client({ connectionString: url });
  session.on("error", () => undefined);
  await session.connect();
  try {
    await session.query("begin isolation level repeatable read");
    await session.query("select count(*) from jobs");
    const result = await work();
    // fails when the session was ended meanwhile
    await session.query("commit");
    return result;
  } finally {
    await session.end();
  }
};
