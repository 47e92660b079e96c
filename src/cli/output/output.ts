import { styleText } from "node:util";
import type { Sink, Terminal } from "../terminal.ts";
import { printable } from "./printable.ts";
import { renderTable } from "./table.ts";
import type { TextColumn, Style } from "./table.ts";

/** The output of a command: text for people, or JSON for programs. */
export interface Output {
  json: boolean;
  /** The terminal's width; null: no terminal. */
  width: number | null;
  paint(style: Style, text: string): string;
  line(text?: string): void;
  /** Writes a note beside the answer, to standard error. */
  note(text: string): void;
  /** Writes the answer: one JSON document, or the text of `show`. */
  answer(value: unknown, show: () => void): void;
  /** Writes one item of a stream: a line of JSON, or the text of `show`. */
  item(value: unknown, show: () => void): void;
  table<Row>(rows: readonly Row[], columns: readonly TextColumn<Row>[]): void;
  /** Writes names and values, one a line, without empty values. */
  details(entries: readonly (readonly [string, string | number | null | undefined])[]): void;
}

export function createOutput(
  { stdout, stderr }: Pick<Terminal, "stdout" | "stderr">,
  options: { json: boolean; colour: boolean },
): Output {
  const { json } = options;
  const colour = options.colour && stdout.isTTY === true;
  const paint = (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const width = stdout.isTTY === true ? (stdout.columns ?? 80) : null;
  const line = (text = ""): void => writeLine(stdout, text);
  return {
    json,
    width,
    paint,
    line,
    note: (text) => writeLine(stderr, text),
    answer: (value, show) => (json ? line(JSON.stringify(value, null, 2)) : show()),
    item: (value, show) => (json ? line(JSON.stringify(value)) : show()),
    table: (rows, columns) => line(renderTable(rows, columns, { width, paint })),
    details(entries) {
      const shown = entries.filter(([, value]) => value !== null && value !== undefined);
      const longest = Math.max(...shown.map(([name]) => name.length));
      for (const [name, value] of shown) {
        if (value === "") continue;
        line(`${paint("dim", name.padEnd(longest))}  ${printable(`${value}`)}`);
      }
    },
  };
}

function writeLine(sink: Sink, text: string): void {
  sink.write(`${text}\n`);
}

const COLOURS: Record<string, Style> = {
  completed: "green",
  delivered: "green",
  healthy: "green",
  alive: "green",
  ok: "green",
  running: "cyan",
  pending: "cyan",
  paused: "yellow",
  held: "yellow",
  warn: "yellow",
  silent: "yellow",
  failed: "red",
  stopped: "red",
  dead: "red",
  disabled: "red",
  failing: "red",
  fail: "red",
};

/** The colour of a state; unknown and quiet states have none. */
export function stateStyle(state: string): Style | null {
  return COLOURS[state] ?? null;
}
