/** Milliseconds, or a number with its unit: `"5s"`, `"24h"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

const UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** @throws TypeError not a duration */
export function durationMs(duration: Duration): number {
  if (typeof duration === "number" && Number.isFinite(duration) && duration >= 0) return duration;
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const unitMs = UNITS_MS[unit];
  if (number === undefined || unitMs === undefined) {
    throw new TypeError(
      `${JSON.stringify(duration)} is no duration: give milliseconds, or for instance "5s" or "24h"`,
    );
  }
  return Number(number) * unitMs;
}
