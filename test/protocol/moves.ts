import type { Step, Wait } from "./explorer.ts";
import { checkStepName } from "./steps.ts";

/** Collects what can happen in one state, and who waits for whom. */
export class Moves<S> {
  readonly steps: Step<S>[] = [];
  readonly waits: Wait[] = [];

  add(name: string, apply: (state: S) => void): void {
    checkStepName(name);
    this.steps.push({ name, apply });
  }

  /** See Step.local. */
  local(name: string, apply: (state: S) => void): void {
    checkStepName(name);
    this.steps.push({ name, apply, local: true });
  }

  /** Done by the world: it may happen or not. */
  world(name: string, apply: (state: S) => void): void {
    checkStepName(name);
    this.steps.push({ name, apply, world: true });
  }

  /** A statement of `who` that needs locks. */
  statement(who: string, name: string, waitsFor: string[], apply: (state: S) => void): void {
    if (waitsFor.length > 0) this.waits.push({ who, by: waitsFor });
    else this.add(`${who}: ${name}`, apply);
  }

  /** Within a process: `who` goes on when another task has ended. */
  await(who: string, task: string): void {
    this.waits.push({ who, by: [task] });
  }
}
