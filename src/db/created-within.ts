import { uuidAt } from "../core/ids.ts";

/** Clocks that differ by 5 minutes make receivers refuse our signatures; this is twice that. */
const CLOCK_SKEW_MS = 600_000;

/**
 * Conditions on when something was created. Its id begins with nearly the same time, by another
 * clock, so a little more to either side bounds the ids, and with them index and partitions.
 */
export function createdWithin(
  createdAt: string,
  id: string,
  { since, until }: { since?: Date | undefined; until?: Date | undefined },
  bind: (value: unknown) => string,
): string[] {
  const conditions: string[] = [];
  if (since !== undefined) {
    const first = uuidAt(new Date(since.getTime() - CLOCK_SKEW_MS));
    conditions.push(`${createdAt} >= ${bind(since)}`, `${id} >= ${bind(first)}`);
  }
  if (until !== undefined) {
    const last = uuidAt(new Date(until.getTime() + CLOCK_SKEW_MS));
    conditions.push(`${createdAt} < ${bind(until)}`, `${id} < ${bind(last)}`);
  }
  return conditions;
}
