import { uuidAt } from "../core/ids.ts";

/** A half-open range of times. */
export interface TimeRange {
  since?: Date | undefined;
  until?: Date | undefined;
}

/** Clocks that differ by 5 minutes make receivers refuse our signatures; this is twice that. */
const CLOCK_SKEW_MS = 600_000;

/**
 * The bounds of the ids of rows created within a range. An id begins with nearly the same time, by
 * another clock, so the bounds are a little wider; they limit the index and the partitions used.
 */
export function idsWithin({ since, until }: TimeRange): { from: string | null; to: string | null } {
  return {
    from: since === undefined ? null : uuidAt(new Date(since.getTime() - CLOCK_SKEW_MS)),
    to: until === undefined ? null : uuidAt(new Date(until.getTime() + CLOCK_SKEW_MS)),
  };
}

/** Conditions on the time when rows were created. */
export function createdWithin(
  createdAt: string,
  id: string,
  range: TimeRange,
  bind: (value: unknown) => string,
): string[] {
  const { since, until } = range;
  const { from, to } = idsWithin(range);
  return [
    ...(since === undefined ? [] : [`${createdAt} >= ${bind(since)}`, `${id} >= ${bind(from)}`]),
    ...(until === undefined ? [] : [`${createdAt} < ${bind(until)}`, `${id} < ${bind(to)}`]),
  ];
}
