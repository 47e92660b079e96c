export const COLUMN_TYPES = ["integer", "number", "boolean", "date", "string", "empty"] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** A column as it is read: what all its values so far could be. */
export interface CsvColumn {
  readonly name: string;
  values: number;
  nulls: number;
  couldBe: { integer: boolean; number: boolean; boolean: boolean; date: boolean };
}

// A leading zero makes a code (a ZIP code, a phone number), not a number.
const NUMBER = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+$/;
const BOOLEAN = /^(?:true|false)$/i;
const DATE =
  /^\d{4}([-/])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

export function createColumn(name: string): CsvColumn {
  return {
    name,
    values: 0,
    nulls: 0,
    couldBe: { integer: true, number: true, boolean: true, date: true },
  };
}

/**
 * Takes one trimmed value in; the empty text is a null.
 * @returns the number it is, NaN when it is none or the column is known not to be numeric
 */
export function addValue(column: CsvColumn, text: string): number {
  if (text === "") {
    column.nulls++;
    return Number.NaN;
  }
  column.values++;
  const { couldBe } = column;
  if (couldBe.boolean) couldBe.boolean = BOOLEAN.test(text);
  if (couldBe.date) couldBe.date = DATE.test(text);
  if (!couldBe.number) return Number.NaN;
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  couldBe.number = Number.isFinite(value);
  if (couldBe.integer) couldBe.integer = couldBe.number && INTEGER.test(text);
  return couldBe.number ? value : Number.NaN;
}

export function columnType({ values, couldBe }: CsvColumn): ColumnType {
  if (values === 0) return "empty";
  if (couldBe.integer) return "integer";
  if (couldBe.number) return "number";
  if (couldBe.boolean) return "boolean";
  return couldBe.date ? "date" : "string";
}

export function isNumeric(column: CsvColumn): boolean {
  return column.values > 0 && column.couldBe.number;
}
