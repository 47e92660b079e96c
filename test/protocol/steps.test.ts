import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { checkStepName, functionNames, STEPS } from "./steps.ts";

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");

test("a step that names no function of the product is refused", () => {
  expect(() => checkStepName("W1: takeLeases")).not.toThrow();
  expect(() => checkStepName("W1: getJobs takes e1")).not.toThrow();
  expect(() => checkStepName("W1: grabLease")).toThrow("names grabLease, which is no step");
});

test("every function stands under its own name", () => {
  for (const [name, step] of Object.entries(STEPS)) expect(step.name).toBe(name);
});

test.each(["lane-state.ts", "run-state.ts"])(
  "each guard of %s names the function that has it",
  (file) => {
    const rules = /_RULES = \{([^]*?)\n\};/.exec(read(file))![1]!;
    const guards = [...rules.matchAll(/\/\*\* (\w+)[,:][^]*?\n {2}(\w+): true/g)];
    expect(guards.length).toBe(rules.match(/: true/g)!.length);
    for (const [, name = "", guard] of guards) {
      if (!(name in STEPS)) throw new Error(`${guard}: ${name} is no step`);
    }
  },
);

test("docs/protocol.md names functions that there are, and each of them", () => {
  const page = read("../../docs/protocol.md");
  const named = [...page.matchAll(/`(\w+)`/g)].map(([, name]) => name!);
  const unknown = named.filter((name) => functionNames(name).length > 0 && !(name in STEPS));
  expect(unknown).toEqual([]);
  expect(Object.keys(STEPS).filter((name) => !named.includes(name))).toEqual([]);
});
