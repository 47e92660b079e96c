/** One line of the table: what was measured, against what, and what was hoped for. */
export interface Figure {
  scenario: string;
  /** Which variant: `50 lanes`, `p99 at 200/s`. */
  variant: string;
  /** What the product did, with its unit: `9,120/s`. */
  measured: string;
  /** What the machine gives, measured in the same run; or what it is compared with. */
  ceiling: string;
  ratio: number;
  goal: Goal | null;
  met: boolean | null;
  /** More that was seen, for those who want to know why. */
  detail: Record<string, unknown>;
}

export interface Goal {
  atLeast?: number;
  atMost?: number;
}

type Given = Omit<Figure, "met" | "scenario" | "detail"> & { detail?: Figure["detail"] };

/** @throws Error a ratio that is not a number: then something was not measured */
export function figure(given: Given): Omit<Figure, "scenario"> {
  const { ratio, goal, detail = {} } = given;
  if (!Number.isFinite(ratio)) throw new Error(`${given.variant}: the ratio came out as ${ratio}`);
  const { atLeast = -Infinity, atMost = Infinity } = goal ?? {};
  return { ...given, met: goal === null ? null : ratio >= atLeast && ratio <= atMost, detail };
}

export function perSecond(rate: number): string {
  return `${count(rate)}/s`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
}
