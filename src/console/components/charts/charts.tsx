import "@mantine/charts/styles.css";
import { BarChart, LineChart } from "@mantine/charts";
import { ReferenceArea } from "recharts";
import type { Stats } from "../../api/types.ts";
import classes from "./charts.module.css";
import { axisTime, duration, number } from "../format.ts";
import { usePick, type PickedRange } from "./use-pick.ts";

/** One chart library, one chunk: pages load it lazily. */
interface ChartProps {
  stats: Stats;
  /** The chart in words, for those who can't see it. */
  summary: string;
  height?: number;
  /** Called with the time that was clicked or dragged over, and the series of the clicked bar. */
  onPick?: ((range: PickedRange, series: string | null) => void) | undefined;
}

const COMMON = {
  tickLine: "none" as const,
  strokeDasharray: "2 4",
  xAxisProps: { minTickGap: 40 },
};

interface Series<One> {
  name: string;
  color: string;
  read: (point: One) => number;
}

function Legend({ series }: { series: readonly { name: string; color: string }[] }) {
  return (
    <ul className={classes.legend}>
      {series.map(({ name, color }) => (
        <li key={name}>
          <span className={classes.swatch} style={{ background: color }} />
          {name}
        </li>
      ))}
    </ul>
  );
}

type Point = Stats["series"][number];

function points<Extra extends Point>(stats: Stats, series: Series<Extra>[]) {
  return stats.series.map((point) => ({
    at: axisTime(point.at, stats.step_s),
    ...Object.fromEntries(series.map(({ name, read }) => [name, read(point as Extra)])),
  }));
}

function Stacked({
  stats,
  summary,
  series,
  height = 190,
  onPick,
}: ChartProps & { series: Series<Point>[] }) {
  const pick = usePick(stats, onPick);
  return (
    <div role="img" aria-label={summary} data-pick={onPick && ""} className={classes.chart}>
      <div aria-hidden>
        <Legend series={series} />
        <BarChart
          {...COMMON}
          h={height}
          type="stacked"
          data={points(stats, series)}
          dataKey="at"
          series={series.map(({ name, color }) => ({ name, color }))}
          valueFormatter={number}
          yAxisProps={{ allowDecimals: false }}
          barChartProps={{ accessibilityLayer: false, barCategoryGap: "18%", ...pick.handlers }}
          barProps={(one) => ({ isAnimationActive: false, maxBarSize: 26, ...pick.barOf(one) })}
        >
          {pick.marked !== null && (
            <ReferenceArea {...pick.marked} fill="var(--rb-info)" fillOpacity={0.2} />
          )}
        </BarChart>
      </div>
    </div>
  );
}

const JOBS: Series<Point>[] = [
  { name: "completed", color: "var(--rb-ok)", read: ({ jobs }) => jobs.completed },
  { name: "failed", color: "var(--rb-bad)", read: ({ jobs }) => jobs.failed },
  { name: "canceled", color: "var(--rb-mute)", read: ({ jobs }) => jobs.canceled },
];

const DELIVERIES: Series<Point>[] = [
  { name: "delivered", color: "var(--rb-ok)", read: ({ deliveries }) => deliveries.delivered },
  { name: "dead", color: "var(--rb-bad)", read: ({ deliveries }) => deliveries.dead },
];

const ANSWERS: Series<Point>[] = [
  { name: "2xx", color: "var(--rb-ok)", read: ({ attempts }) => attempts["2xx"] },
  { name: "3xx", color: "var(--rb-mute)", read: ({ attempts }) => attempts["3xx"] },
  { name: "4xx", color: "var(--rb-warn)", read: ({ attempts }) => attempts["4xx"] },
  { name: "5xx", color: "var(--rb-bad)", read: ({ attempts }) => attempts["5xx"] },
  { name: "no answer", color: "var(--rb-info)", read: ({ attempts }) => attempts.error },
];

export function JobsChart(props: ChartProps) {
  return <Stacked {...props} series={JOBS} />;
}

export function DeliveriesChart(props: ChartProps) {
  return <Stacked {...props} series={DELIVERIES} />;
}

export function AnswersChart(props: ChartProps) {
  return <Stacked {...props} series={ANSWERS} />;
}

const PERCENTILES = [
  { name: "p50", color: "var(--rb-ok)" },
  { name: "p90", color: "var(--rb-warn)" },
  { name: "p99", color: "var(--rb-bad)" },
] as const;

interface LatencyProps extends ChartProps {
  of: "latency_ms" | "response_ms";
}

/** Percentiles lie orders of magnitude apart: the axis is logarithmic, with these marks. */
const MARKS = [1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 864_000_000];

function marksFor(stats: Stats, of: LatencyProps["of"]): number[] {
  const values = stats.series.flatMap((point) => Object.values(point[of] ?? {}));
  const first = MARKS.findLastIndex((mark) => mark <= Math.min(...values));
  const last = MARKS.findIndex((mark) => mark >= Math.max(...values));
  return MARKS.slice(Math.max(0, first), last === -1 ? undefined : Math.max(2, last + 1));
}

export function LatencyChart({ stats, summary, of, height = 190 }: LatencyProps) {
  const marks = marksFor(stats, of);
  const data = stats.series.map((point) => ({
    at: axisTime(point.at, stats.step_s),
    ...atLeastOne(point[of]),
  }));
  return (
    <div role="img" aria-label={summary}>
      <div aria-hidden>
        <Legend series={PERCENTILES} />
        <LineChart
          {...COMMON}
          h={height}
          data={data}
          dataKey="at"
          series={[...PERCENTILES]}
          curveType="linear"
          connectNulls={false}
          withDots={data.length < 40}
          dotProps={{ r: 2 }}
          strokeWidth={1.5}
          valueFormatter={duration}
          yAxisProps={{
            width: 58,
            scale: "log",
            ticks: marks,
            domain: [marks[0]!, marks.at(-1)!],
            interval: 0,
          }}
          lineChartProps={{ accessibilityLayer: false }}
          lineProps={{ isAnimationActive: false }}
        />
      </div>
    </div>
  );
}

/** A logarithm of nothing there is not. */
function atLeastOne(percentiles: Point["latency_ms"]): Record<string, number> {
  const entries = Object.entries(percentiles ?? {});
  return Object.fromEntries(entries.map(([name, ms]) => [name, Math.max(1, ms)]));
}
