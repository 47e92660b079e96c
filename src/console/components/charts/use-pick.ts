import { useRef, useState } from "react";
import type { Stats } from "../../api/types.ts";
import { axisTime } from "../format.ts";

export interface PickedRange {
  since: string;
  until: string;
}

/** What the chart tells of where the mouse is. */
interface Where {
  activeTooltipIndex?: number | string | null | undefined;
}

interface Pick {
  handlers: Record<string, (where: Where) => void>;
  /** The bars that are dragged over, by the labels of the axis. */
  marked: { x1: string; x2: string } | null;
  /** Properties of the bars of a series. */
  barOf: (series: { name?: string }) => { onMouseDown?: () => void };
}

/** Picks the time and series of a bar by a click, or the time of several by dragging over them. */
export function usePick(
  stats: Stats,
  onPick: ((range: PickedRange, series: string | null) => void) | undefined,
): Pick {
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const pressed = useRef<string | null>(null);
  if (onPick === undefined) return { handlers: {}, marked: null, barOf: () => ({}) };
  const last = stats.series.length - 1;
  const indexOf = ({ activeTooltipIndex }: Where): number | null => {
    const index = Number(activeTooltipIndex ?? NaN);
    return Number.isInteger(index) && index >= 0 && index <= last ? index : null;
  };
  const [low, high] = drag === null ? [0, 0] : [drag.from, drag.to].toSorted((a, b) => a - b);
  const label = (index: number): string => axisTime(stats.series[index]!.at, stats.step_s);
  return {
    handlers: {
      onMouseDown(where) {
        const index = indexOf(where);
        if (index !== null) setDrag({ from: index, to: index });
      },
      onMouseMove(where) {
        const index = indexOf(where);
        if (drag !== null && index !== null && index !== drag.to) setDrag({ ...drag, to: index });
      },
      onMouseLeave: () => setDrag(null),
      onMouseUp() {
        if (drag === null) return;
        setDrag(null);
        const series = low === high ? pressed.current : null;
        pressed.current = null;
        const since = stats.series[low!]!.at;
        const end = Date.parse(stats.series[high!]!.at) + stats.step_s * 1_000;
        onPick({ since, until: new Date(end).toISOString() }, series);
      },
    },
    // a bar hears of the mouse before the chart around it
    barOf: ({ name }) => ({ onMouseDown: () => void (pressed.current = name ?? null) }),
    marked: drag === null || low === high ? null : { x1: label(low!), x2: label(high!) },
  };
}
