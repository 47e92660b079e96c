import type { Agent } from "../agent.ts";
import type { CeilingOperations, Commit } from "../agents/ceilings.ts";
import type { Bench, Scenario } from "../bench.ts";
import { figure, perSecond } from "../figure.ts";
import { quantile } from "../stats.ts";

/** What a commit does beside its insert. The first is what the others are compared with. */
const COMMITS: { variant: string; load: Commit }[] = [
  { variant: "insert", load: { extra: "nothing", listeners: 0 } },
  { variant: "asks who waits, nobody does", load: { extra: "ask", listeners: 0 } },
  { variant: "notifies, nobody listens", load: { extra: "notify", listeners: 0 } },
  { variant: "notifies 2 that listen", load: { extra: "notify", listeners: 2 } },
];
/** Each is measured so often, in turns, as the machine is never twice the same. */
const TURNS = 5;

export const notifyScenario: Scenario = {
  about: "commits of one small insert over 24 connections, with and without a notification",
  quick: false,
  run: (bench) =>
    bench.withDatabase((database) =>
      bench.withAgent("ceilings", (agent: Agent<CeilingOperations>) =>
        measure(bench, database.url, agent),
      ),
    ),
};

async function measure(
  bench: Bench,
  databaseUrl: string,
  agent: Agent<CeilingOperations>,
): ReturnType<Scenario["run"]> {
  const rates = COMMITS.map((): number[] => []);
  const accountId = bench.fixture.jobs.id;
  const seconds = bench.sizes.seconds / TURNS;
  await agent.call("commits", databaseUrl, { ...COMMITS[0]!.load, accountId, seconds });
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [index, { load }] of COMMITS.entries()) {
      rates[index]!.push(await agent.call("commits", databaseUrl, { ...load, accountId, seconds }));
    }
  }
  const medians = rates.map((one) => quantile(one, 0.5));
  const [bare = 0] = medians;
  return COMMITS.slice(1).map(({ variant }, index) =>
    figure({
      variant,
      measured: perSecond(medians[index + 1]!),
      ceiling: `${perSecond(bare)} without`,
      ratio: medians[index + 1]! / bare,
      goal: null,
      detail: { rates: rates[index + 1]!.map(Math.round), without: rates[0]!.map(Math.round) },
    }),
  );
}
