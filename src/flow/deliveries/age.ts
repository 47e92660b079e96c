import { DEFAULT_GIVE_UP_AFTER_S } from "../../core/backoff.ts";
import type { DueDelivery } from "../../db/deliveries/due.ts";

/** The age in seconds at which pending deliveries of a lane are given up. */
export function limitOf({ give_up_after_s }: { give_up_after_s: number | null }): number {
  return give_up_after_s ?? DEFAULT_GIVE_UP_AFTER_S;
}

/** Milliseconds until a pending delivery is given up, negative when that is past. */
export function leftMs(
  lane: { give_up_after_s: number | null },
  { budget_from, give_up_at }: Pick<DueDelivery, "budget_from" | "give_up_at">,
  now: number,
): number {
  return (give_up_at?.getTime() ?? budget_from.getTime() + limitOf(lane) * 1_000) - now;
}

const UNITS = [
  [86_400, "days"],
  [3_600, "hours"],
  [60, "minutes"],
] as const;

/** The detail of a dead letter. @param limitS null: a limit that the callback set itself */
export function expiredText(limitS: number | null): string {
  if (limitS === null) return "not delivered within the time that its callback gave";
  const [size, unit] = UNITS.find(([s]) => limitS >= 2 * s && limitS % s === 0) ?? [1, "seconds"];
  return `not delivered within ${limitS / size} ${unit}`;
}
