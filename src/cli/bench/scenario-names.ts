/** In the order they are run. */
export const SCENARIO_NAMES = [
  "drain",
  "submit",
  "path",
  "latency",
  "isolation",
  "noisy",
  "changes",
  "history",
  "retention",
  "listeners",
  "memory",
  "fan-out",
  "cost",
  "two-deliver",
] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];
