import { JobError } from "../core/job-type.ts";
import { createStats } from "./csv-stats.ts";
import type { StatsBlock } from "./csv-stats.ts";

const MAX_GROUPS = 10_000;
const MAX_CELLS = 1_000_000;
const MAX_KEY_CHARACTERS = 4 * 1024 * 1024;

export interface Group {
  /** One value per grouping column. */
  key: string[];
  rows: number;
  stats: StatsBlock;
}

export interface Groups {
  /** In the order of their first rows. */
  all(): Iterable<Group>;
  /** The group of a key. Throws JobError csv_too_many_groups, so that memory stays bounded. */
  of(key: string[]): Group;
}

/** @param columns how many columns have statistics in each group */
export function createGroups(columns: number): Groups {
  const groups = new Map<string, Group>();
  let keyCharacters = 0;

  function add(name: string, key: string[]): Group {
    keyCharacters += name.length;
    if (groups.size === MAX_GROUPS) throw tooMany(`more than ${MAX_GROUPS} groups`);
    if ((groups.size + 1) * columns > MAX_CELLS) {
      const why = `more than ${groups.size} groups of ${columns} columns; name fewer columns`;
      throw tooMany(why);
    }
    if (keyCharacters > MAX_KEY_CHARACTERS) {
      throw tooMany(`group values of more than ${MAX_KEY_CHARACTERS} characters in all`);
    }
    const group: Group = { key, rows: 0, stats: createStats(columns) };
    groups.set(name, group);
    return group;
  }

  return {
    all: () => groups.values(),
    of(key) {
      const name = key.length === 1 ? (key[0] ?? "") : JSON.stringify(key);
      return groups.get(name) ?? add(name, key);
    },
  };
}

function tooMany(what: string): JobError {
  return new JobError(`grouping makes ${what}`, { code: "csv_too_many_groups" });
}
