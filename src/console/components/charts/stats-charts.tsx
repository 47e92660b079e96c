import { Center, SegmentedControl, SimpleGrid, Skeleton, Text } from "@mantine/core";
import { lazy, Suspense, type ReactNode } from "react";
import { useNavigate } from "react-router";
import { RANGES, useStats, type RangeName } from "../../api/overview.ts";
import type { Stats } from "../../api/types.ts";
import { useMay } from "../../api/session.ts";
import { Card } from "../card.tsx";
import { duration, number } from "../format.ts";
import { ErrorBox } from "../states.tsx";
import type { PickedRange } from "./use-pick.ts";

const charts = () => import("./charts.tsx");
const JobsChart = lazy(async () => ({ default: (await charts()).JobsChart }));
const DeliveriesChart = lazy(async () => ({ default: (await charts()).DeliveriesChart }));
const AnswersChart = lazy(async () => ({ default: (await charts()).AnswersChart }));
const LatencyChart = lazy(async () => ({ default: (await charts()).LatencyChart }));

/** Height of a chart with its legend. */
const HEIGHT = 212;

export function toRange(text: string | undefined, other: RangeName = "24h"): RangeName {
  return text !== undefined && text in RANGES ? (text as RangeName) : other;
}

export function RangePicker({
  value,
  onChange,
}: {
  value: RangeName;
  onChange: (range: string) => void;
}) {
  return (
    <SegmentedControl
      size="xs"
      aria-label="Time shown"
      value={value}
      onChange={onChange}
      data={Object.entries(RANGES).map(([name, { label }]) => ({ value: name, label }))}
    />
  );
}

/** @param endpointId of one endpoint alone; then without jobs */
export function StatsCharts({ range, endpointId }: { range: RangeName; endpointId?: string }) {
  const stats = useStats(range, endpointId);
  const navigate = useNavigate();
  const mayLook = { jobs: useMay("jobs"), deliveries: useMay("webhooks") };
  /** Leads to the list of the time that was picked, and of the bar's outcome. */
  const toList = (page: "jobs" | "deliveries", filter: "status" | "status_class") =>
    mayLook[page]
      ? (picked: PickedRange, series: string | null) => {
          const query = new URLSearchParams({
            ...(series !== null && { [filter]: series === "no answer" ? "error" : series }),
            ...(endpointId !== undefined && { endpoint_id: endpointId }),
            ...picked,
          });
          void navigate(`/${page}?${query.toString()}`);
        }
      : undefined;
  if (stats.isError) return <ErrorBox error={stats.error} retry={() => void stats.refetch()} />;
  const latency = (of: "latency_ms" | "response_ms") => (data: Stats) =>
    data.totals[of] === null ? (
      <Center h={HEIGHT}>
        <Text size="sm" c="dimmed">
          {tellLatency(data, of)}
        </Text>
      </Center>
    ) : (
      <LatencyChart of={of} stats={data} summary={tellLatency(data, of)} />
    );
  const show = (title: string, draw: (data: Stats) => ReactNode) => (
    <Card title={title}>
      <Suspense fallback={<Skeleton height={HEIGHT} />}>
        {stats.data === undefined ? <Skeleton height={HEIGHT} /> : draw(stats.data)}
      </Suspense>
    </Card>
  );
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      {endpointId === undefined &&
        show("Jobs by outcome", (data) => (
          <JobsChart stats={data} summary={tellJobs(data)} onPick={toList("jobs", "status")} />
        ))}
      {show("Deliveries by outcome", (data) => (
        <DeliveriesChart
          stats={data}
          summary={tellDeliveries(data)}
          onPick={toList("deliveries", "status")}
        />
      ))}
      {show("Answers to attempts", (data) => (
        <AnswersChart
          stats={data}
          summary={tellAnswers(data)}
          onPick={toList("deliveries", "status_class")}
        />
      ))}
      {show("From message to delivered", latency("latency_ms"))}
      {endpointId !== undefined && show("Response time of the receiver", latency("response_ms"))}
    </SimpleGrid>
  );
}

function tellJobs({ totals: { jobs } }: Stats): string {
  return `Jobs: ${number(jobs.completed)} completed, ${number(jobs.failed)} failed, ${number(jobs.canceled)} canceled`;
}

function tellDeliveries({ totals: { deliveries } }: Stats): string {
  return `Deliveries: ${number(deliveries.delivered)} delivered, ${number(deliveries.dead)} dead`;
}

function tellAnswers({ totals: { attempts } }: Stats): string {
  const parts = Object.entries(attempts).map(([name, value]) => `${number(value)} ${name}`);
  return `Attempts: ${parts.join(", ")}`;
}

function tellLatency({ totals }: Stats, of: "latency_ms" | "response_ms"): string {
  const found = totals[of];
  if (found === null) return of === "latency_ms" ? "Nothing was delivered" : "No attempt was made";
  return `Median ${duration(found.p50)}, 90th percentile ${duration(found.p90)}, 99th ${duration(found.p99)}`;
}
