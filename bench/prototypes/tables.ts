import type { ListCost } from "./lists.ts";
import type { Cost } from "./measure.ts";

/** All figures of one variant. */
export interface Measured {
  variant: string;
  /** By group size; each was taken in both orders of variants. */
  costs: Record<number, Cost[]>;
  /** Bytes per life after vacuum. */
  heap: number;
  indexes: number;
  lists: Record<string, ListCost>;
}

export function tableOf(found: readonly Measured[]): string {
  const groups = Object.keys(found[0]?.costs ?? {});
  const head = [
    "variant",
    ...groups.flatMap((size) => [`CPU µs, ${size}`, "by step", "others", "WAL B", "pages"]),
    "heap B",
    "index B",
  ];
  const rows = found.map(({ variant, costs, heap, indexes }) => [
    variant,
    ...Object.values(costs).flatMap((cells) => [
      cells.map(({ cpuUs }) => cpuUs.toFixed(0)).join("/"),
      Object.keys(cells[0]!.steps)
        .map((step) =>
          (cells.reduce((sum, c) => sum + c.steps[step]!, 0) / cells.length).toFixed(0),
        )
        .join("+"),
      mean(cells, "otherUs").toFixed(0),
      mean(cells, "walBytes").toFixed(0),
      mean(cells, "fullPages").toFixed(2),
    ]),
    heap.toFixed(0),
    indexes.toFixed(0),
  ]);
  const names = [...new Set(found.flatMap(({ lists }) => Object.keys(lists)))];
  const lists = found.map(({ variant, lists: own }) => [
    variant,
    ...names.map((name) => {
      const one = own[name];
      if (one === undefined) return "–";
      return `${one.planMs.toFixed(2)}+${one.runMs.toFixed(2)} (${one.buffers})`;
    }),
  ]);
  return `${markdown(head, rows)}\nLists, ms to plan + to run (buffers):\n\n${markdown(["variant", ...names], lists)}\n`;
}

function mean(cells: readonly Cost[], name: Exclude<keyof Cost, "steps">): number {
  return cells.reduce((sum, cell) => sum + cell[name], 0) / cells.length;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("");
}
