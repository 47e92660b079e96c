import { uuidAt } from "../../core/ids.ts";
import type { BigTable, Partition } from "./partitions.ts";

/**
 * Partitions that are being replaced by tables with what is needed of them
 * (docs/decisions/0024). Stored as JSON, so that any process can go on with it.
 */
export interface Rewrite {
  /**
   * The rows that are copied: messages that are needed, with their deliveries and attempts; jobs that
   * are needed, with their ends; or all of one table's default partition.
   */
  what: "messages" | "jobs" | "default";
  tables: BigTable[];
  /** Partitions of `tables`, in the order of their ids. */
  sources: { table: BigTable; name: string }[];
  targets: { table: BigTable; name: string; from: string; to: string }[];
  /** The sources hold ids below this one. */
  until: string;
  /** Times: what ended since then is needed, and so is what died since then. */
  endedSince: string;
  diedSince: string;
  /** `copying`: reads the sources to their end. Then `following`, or, swapped, `forgetting`. */
  phase: "copying" | "following" | "forgetting";
  /** The source that is read, and the last id that was. */
  source: number;
  position: string;
}

/** The least id, and the greatest. */
export const START = uuidAt(new Date(0));
const END = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** The rewrite of weeks past retention; its units are messages or jobs. */
export function rewriteOfOld(
  what: "messages" | "jobs",
  old: readonly Partition[],
  kept: readonly Partition[],
  since: { ended: Date; died: Date },
): Rewrite {
  return {
    what,
    tables: kept.map(({ table }) => table),
    sources: old.map(({ table, name }) => ({ table, name })),
    targets: kept.map(asTarget),
    until: uuidAt(kept[0]!.to),
    endedSince: since.ended.toISOString(),
    diedSince: since.died.toISOString(),
    phase: "copying",
    source: 0,
    position: START,
  };
}

/** The rewrite of a default partition; its units are rows, the attempts of one delivery together. */
export function rewriteOfDefault(table: BigTable, weeks: readonly Partition[]): Rewrite {
  const never = new Date(0).toISOString();
  return {
    what: "default",
    tables: [table],
    sources: [{ table, name: `${table}_default` }],
    targets: weeks.map(asTarget),
    until: END,
    endedSince: never,
    diedSince: never,
    phase: "copying",
    source: 0,
    position: START,
  };
}

function asTarget({ table, name, from, to }: Partition): Rewrite["targets"][number] {
  return { table, name, from: from.toISOString(), to: to.toISOString() };
}
