import type { ScenarioName } from "../scenario-names.ts";
import type { Scenario } from "../scenario.ts";
import { changesScenario } from "./changes.ts";
import { costScenario } from "./cost.ts";
import { drainScenario } from "./drain.ts";
import { fanOutScenario } from "./fan-out.ts";
import { historyScenario } from "./history.ts";
import { isolationScenario } from "./isolation.ts";
import { latencyScenario } from "./latency.ts";
import { listenersScenario } from "./listeners.ts";
import { memoryScenario } from "./memory.ts";
import { noisyScenario } from "./noisy.ts";
import { pathScenario } from "./path.ts";
import { retentionScenario } from "./retention.ts";
import { submitScenario } from "./submit.ts";
import { twoDeliverScenario } from "./two-deliver.ts";

export const SCENARIOS: Record<ScenarioName, Scenario> = {
  drain: drainScenario,
  submit: submitScenario,
  path: pathScenario,
  latency: latencyScenario,
  isolation: isolationScenario,
  noisy: noisyScenario,
  changes: changesScenario,
  history: historyScenario,
  retention: retentionScenario,
  listeners: listenersScenario,
  memory: memoryScenario,
  "fan-out": fanOutScenario,
  cost: costScenario,
  "two-deliver": twoDeliverScenario,
};
