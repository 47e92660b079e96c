import type { DeliveryWithAttempts } from "../../client/openapi-types.ts";

/** `+1.52 s`, right-aligned to 9 columns. */
export function offset(ms: number): string {
  return `${ms < 0 ? "-" : "+"}${(Math.abs(ms) / 1000).toFixed(2)} s`.padStart(9);
}

/**
 * The attempts of a delivery as the log has them, one line each: number, when, how long after the
 * one before, what came back, how long it took.
 * @param from what times count from
 */
export function timeline({ attempts }: DeliveryWithAttempts, from: Date): string[] {
  return attempts.map((attempt, index) => {
    const startedAt = Date.parse(attempt.started_at);
    const before = attempts[index - 1];
    const gap = before === undefined ? null : startedAt - Date.parse(before.started_at);
    const outcome =
      attempt.error_code === null
        ? `HTTP ${attempt.status_code}`
        : `${attempt.error_code} (no answer)`;
    return [
      String(attempt.number).padStart(3),
      offset(startedAt - from.getTime()),
      (gap === null ? "" : `after ${(gap / 1000).toFixed(2)} s`).padEnd(13),
      outcome.padEnd(18),
      `${attempt.duration_ms.toFixed(0)} ms`.padStart(7),
      attempt.manual ? " by replay" : "",
    ]
      .join("  ")
      .trimEnd();
  });
}
