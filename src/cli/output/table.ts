import Table from "cli-table3";
import { printable } from "./printable.ts";

export type Style = "dim" | "bold" | "green" | "red" | "yellow" | "cyan";

export interface TextColumn<Row> {
  head: string;
  text(row: Row): string | number | null;
  style?: (row: Row) => Style | null;
  right?: boolean;
  /** Whether the column is cut short in a narrow terminal; the first such column is cut first. */
  gives?: boolean;
}

interface Look {
  /** Columns of the terminal; null: no limit. */
  width: number | null;
  paint(style: Style, text: string): string;
}

const GAP = 2;
const NARROWEST = 12;

/** Renders rows for people: no frames, no trailing spaces, no line longer than the terminal. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly TextColumn<Row>[],
  { width, paint }: Look,
): string {
  const cells = rows.map((row) => columns.map((column) => printable(`${column.text(row) ?? ""}`)));
  const widths = columns.map(({ head }, index) =>
    Math.max(head.length, ...cells.map((row) => characters(row[index]!).length)),
  );
  if (width !== null) shrink(widths, columns, width);
  const table = new Table({
    chars: Object.fromEntries(FRAME.map((part) => [part, ""])),
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP, compact: true },
    colAligns: columns.map(({ right }) => (right === true ? "right" : "left")),
  });
  table.push(columns.map(({ head }, index) => paint("dim", cut(head, widths[index]!))));
  for (const [number, row] of rows.entries()) {
    table.push(
      columns.map(({ style }, index) => {
        const text = cut(cells[number]![index]!, widths[index]!);
        const wanted = style?.(row) ?? null;
        return wanted === null ? text : paint(wanted, text);
      }),
    );
  }
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

const FRAME = [
  ..."top,top-mid,top-left,top-right,bottom,bottom-mid,bottom-left,bottom-right".split(","),
  ..."left,left-mid,mid,mid-mid,right,right-mid,middle".split(","),
] as const;

function shrink<Row>(widths: number[], columns: readonly TextColumn<Row>[], width: number): void {
  const total = (): number => widths.reduce((sum, one) => sum + one + GAP, -GAP);
  for (const [index, { gives }] of columns.entries()) {
    if (gives !== true) continue;
    const over = total() - width;
    if (over > 0) widths[index] = Math.max(NARROWEST, widths[index]! - over);
  }
}

function cut(text: string, width: number): string {
  const all = characters(text);
  return all.length <= width ? text : `${all.slice(0, width - 1).join("")}…`;
}

const segmenter = new Intl.Segmenter();

function characters(text: string): string[] {
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
