import { expect } from "@jest/globals";
import { explore } from "./explorer.ts";
import type { Model } from "./explorer.ts";

const counts: string[] = [];

/** Every reachable state is right. */
export function expectNoViolation<S>(name: string, model: Model<S>): void {
  const { states, violation } = explore(model);
  counts.push(`${name}: ${states.toLocaleString("en")} states`);
  expect(violation).toBeNull();
  // a model that hardly moves proves nothing
  expect(states).toBeGreaterThan(1_000);
}

/** Some state is wrong; answers what is, and the way to it. */
export function findViolation<S>(model: Model<S>): { what: string; trace: string[] } {
  const { violation } = explore(model);
  expect(violation).not.toBeNull();
  expect(violation!.trace.length).toBeGreaterThan(0);
  return violation!;
}

export function printCounts(): void {
  process.stdout.write(`${counts.join("\n")}\n`);
}
