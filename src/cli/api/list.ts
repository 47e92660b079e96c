import type { Command } from "commander";
import type { Page } from "../../client/pages.ts";
import type { TextColumn } from "../output/table.ts";
import { parseMoment } from "../output/times.ts";
import { positiveNumber, wholeNumber } from "./input.ts";
import type { CliSession } from "./session.ts";

export interface ListOptions {
  limit: number;
  cursor?: string;
}

export interface RangeOptions {
  since?: string;
  until?: string;
}

const LONGEST_PAGE = 200;

export function withPaging(command: Command): Command {
  return command
    .option("--limit <n>", "at most so many", positiveCount, 20)
    .option("--cursor <text>", "go on where another list ended (its next_cursor)");
}

export function withRange(command: Command): Command {
  return command
    .option("--since <time>", "created at this time or later: ISO 8601, or how long ago: 2h, 7d")
    .option("--until <time>", "created before this time");
}

export function rangeOf({ since, until }: RangeOptions): RangeOptions {
  return {
    ...(since === undefined ? {} : { since: parseMoment(since) }),
    ...(until === undefined ? {} : { until: parseMoment(until) }),
  };
}

function positiveCount(text: string): number {
  return positiveNumber(String(wholeNumber(text)));
}

/** Reads page after page until there are enough rows, and shows them in one table. */
export async function showList<Row>(
  { out }: CliSession,
  { limit, cursor }: ListOptions,
  read: (page: { limit: number; cursor?: string }) => Promise<Page<Row>>,
  columns: readonly TextColumn<Row>[],
): Promise<void> {
  const data: Row[] = [];
  let next: string | null = cursor ?? null;
  do {
    const page: Page<Row> = await read({
      limit: Math.min(LONGEST_PAGE, limit - data.length),
      ...(next === null ? {} : { cursor: next }),
    });
    data.push(...page.data);
    next = page.next_cursor;
  } while (next !== null && data.length < limit);
  out.answer({ data, next_cursor: next }, () => {
    if (data.length === 0) return out.note("There are none.");
    out.table(data, columns);
    if (next !== null) out.note(`There are more: raise --limit, or go on with --cursor ${next}`);
  });
}
