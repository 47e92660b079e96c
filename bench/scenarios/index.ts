import { ConfigError } from "../../src/config.ts";
import type { BenchArguments } from "../arguments.ts";
import type { Scenario } from "../bench.ts";
import { changesScenario } from "./changes.ts";
import { costScenario } from "./cost.ts";
import { distantScenario } from "./distant.ts";
import { drainScenario } from "./drain.ts";
import { fanOutScenario } from "./fan-out.ts";
import { historyScenario } from "./history.ts";
import { isolationScenario } from "./isolation.ts";
import { latencyScenario } from "./latency.ts";
import { listenersScenario } from "./listeners.ts";
import { manyAccountsScenario } from "./many-accounts.ts";
import { manyLanesScenario } from "./many-lanes.ts";
import { memoryScenario } from "./memory.ts";
import { noisyScenario } from "./noisy.ts";
import { notifyScenario } from "./notify.ts";
import { pathScenario } from "./path.ts";
import { pinnedXminScenario } from "./pinned-xmin.ts";
import { publishScenario } from "./publish.ts";
import { retentionScenario } from "./retention.ts";
import { submitScenario } from "./submit.ts";
import { twoDeliverScenario } from "./two-deliver.ts";

/** By name, in the order they are run. */
export const SCENARIOS = {
  drain: drainScenario,
  submit: submitScenario,
  publish: publishScenario,
  path: pathScenario,
  latency: latencyScenario,
  isolation: isolationScenario,
  noisy: noisyScenario,
  changes: changesScenario,
  history: historyScenario,
  retention: retentionScenario,
  "pinned-xmin": pinnedXminScenario,
  distant: distantScenario,
  "many-lanes": manyLanesScenario,
  "many-accounts": manyAccountsScenario,
  listeners: listenersScenario,
  notify: notifyScenario,
  memory: memoryScenario,
  "fan-out": fanOutScenario,
  cost: costScenario,
  "two-deliver": twoDeliverScenario,
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as ScenarioName[];

/** The scenarios asked for, in the order they are run. @throws ConfigError an unknown name */
export function readScenarios({
  only,
  quick,
}: Pick<BenchArguments, "only" | "quick">): ScenarioName[] {
  if (only === undefined) return SCENARIO_NAMES.filter((name) => !quick || SCENARIOS[name].quick);
  const asked = only.split(",").map((name) => name.trim());
  const known: readonly string[] = SCENARIO_NAMES;
  for (const name of asked) {
    if (!known.includes(name)) {
      throw new ConfigError(`there is no scenario ${JSON.stringify(name)} (${known.join(", ")})`);
    }
  }
  return SCENARIO_NAMES.filter((name) => asked.includes(name));
}
