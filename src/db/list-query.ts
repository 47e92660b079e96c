import { plannedOnce } from "./transaction.ts";

/**
 * A list by one filter, or by none, is planned once; there are few of these, and for each an index
 * that serves any value. Which index serves several filters depends on their values.
 */
export function listQuery(
  text: string,
  values: unknown[],
  { before: _before, limit: _limit, ...filters }: { before?: unknown; limit: number },
): ReturnType<typeof plannedOnce> {
  const given = Object.values(filters).filter((value) => value !== undefined);
  return given.length > 1 ? { text, values } : plannedOnce(text, values);
}
