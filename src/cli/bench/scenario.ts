import type { Bench } from "./bench.ts";
import type { Figure } from "./figure.ts";

export interface Scenario {
  /** One line for the help and the docs. */
  about: string;
  /** Whether it is part of a quick run. */
  quick: boolean;
  run(bench: Bench): Promise<Omit<Figure, "scenario">[]>;
}
