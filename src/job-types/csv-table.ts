import { JobError } from "../core/job-type.ts";
import { addValue, columnType, createColumn, isNumeric } from "./csv-column.ts";
import type { CsvColumn, ColumnType } from "./csv-column.ts";
import { createGroups } from "./csv-groups.ts";
import { addToStats, createStats, readStats } from "./csv-stats.ts";
import type { Stats } from "./csv-stats.ts";

export interface TableOptions {
  /** The columns to aggregate; all numeric ones when left out. */
  columns?: string[];
  groupBy: string[];
}

export interface TableSummary {
  rows: number;
  columns: ({ name: string; type: ColumnType; nulls: number } & Partial<Stats>)[];
  groups?: {
    key: Record<string, string | null>;
    rows: number;
    columns: Record<string, Stats>;
  }[];
}

/** Takes rows in, one by one, and keeps only what the summary needs. */
export interface Table {
  readonly rows: number;
  /** @throws JobError csv_ragged_row, csv_not_numeric, csv_too_many_groups */
  add(fields: string[], line: number): void;
  summary(): TableSummary;
}

/** @throws JobError csv_duplicate_column, csv_missing_column */
export function createTable(header: string[], options: TableOptions): Table {
  const columns = columnNames(header).map(createColumn);
  const groupedBy = options.groupBy.map((name) => indexOf(columns, name));
  const wanted = options.columns?.map((name) => indexOf(columns, name));
  const aggregated = new Set(wanted ?? columns.keys());
  const inGroups = new Set(wanted ?? [...columns.keys()].filter((at) => !groupedBy.includes(at)));
  const stats = createStats(columns.length);
  const groups = groupedBy.length === 0 ? null : createGroups(columns.length);
  const strict = wanted !== undefined;
  let rows = 0;

  function add(fields: string[], line: number): void {
    if (fields.length !== columns.length) throw ragged(line, columns.length, fields.length);
    rows++;
    const group = groups?.of(groupedBy.map((at) => trim(fields[at] ?? "")));
    if (group !== undefined) group.rows++;
    for (const [at, column] of columns.entries()) {
      const text = trim(fields[at] ?? "");
      const value = addValue(column, text);
      if (!Number.isNaN(value)) {
        addToStats(stats, at, value);
        if (group !== undefined) addToStats(group.stats, at, value);
      } else if (strict && text !== "" && aggregated.has(at)) {
        throw notNumeric(column.name, line, text);
      }
    }
  }

  function summary(): TableSummary {
    const shown = columns.map((column, at) => ({
      name: column.name,
      type: columnType(column),
      nulls: column.nulls,
      ...(aggregated.has(at) && isNumeric(column) ? readStats(stats, at) : {}),
    }));
    if (groups === null) return { rows, columns: shown };
    const measured = [...inGroups].flatMap((at) => {
      const column = columns[at];
      return column !== undefined && isNumeric(column) ? [{ at, name: column.name }] : [];
    });
    return {
      rows,
      columns: shown,
      groups: Array.from(groups.all(), (group) => ({
        key: Object.fromEntries(options.groupBy.map((name, at) => [name, group.key[at] || null])),
        rows: group.rows,
        columns: Object.fromEntries(
          measured.map(({ at, name }) => [name, readStats(group.stats, at)]),
        ),
      })),
    };
  }

  return {
    get rows() {
      return rows;
    },
    add,
    summary,
  };
}

/** The trimmed names; a column without one is called by its number. */
function columnNames(header: string[]): string[] {
  const names = header.map((name, at) => name.trim() || `column_${at + 1}`);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new JobError(`the header names the column ${JSON.stringify(twice)} more than once`, {
      code: "csv_duplicate_column",
    });
  }
  return names;
}

function indexOf(columns: CsvColumn[], name: string): number {
  const at = columns.findIndex((column) => column.name === name);
  if (at >= 0) return at;
  const present = columns.map((column) => JSON.stringify(column.name)).join(", ");
  throw new JobError(`there is no column ${JSON.stringify(name)}; the columns are ${present}`, {
    code: "csv_missing_column",
  });
}

/** As `String.trim`, without its cost for the many values that need none. */
function trim(text: string): string {
  const needed = text.charCodeAt(0) <= 32 || text.charCodeAt(text.length - 1) <= 32;
  return needed ? text.trim() : text;
}

function ragged(line: number, expected: number, actual: number): JobError {
  return new JobError(`line ${line} has ${actual} fields, the header has ${expected}`, {
    code: "csv_ragged_row",
  });
}

function notNumeric(name: string, line: number, text: string): JobError {
  const value = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
  return new JobError(`column ${JSON.stringify(name)} is not numeric: line ${line} has ${value}`, {
    code: "csv_not_numeric",
  });
}
