import { SimpleGrid, Text } from "@mantine/core";
import {
  RANGES,
  useOverview,
  useStats,
  useTroubledLanes,
  useWorkers,
  type RangeName,
} from "../../api/overview.ts";
import { useMay } from "../../api/session.ts";
import type { Overview as Figures, Stats } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { RangePicker, StatsCharts, toRange } from "../../components/charts/stats-charts.tsx";
import { useNow } from "../../components/clock.ts";
import { count, number, percent, relative } from "../../components/format.ts";
import { Page } from "../../components/page.tsx";
import { ErrorBox, Loading } from "../../components/states.tsx";
import { Tile } from "../../components/tile.tsx";
import { useView } from "../../components/use-view.ts";
import { WorkersTable } from "../../components/workers-table.tsx";
import { FirstSteps } from "./first-steps.tsx";
import { LanesTable } from "./lanes-table.tsx";

export default function Overview() {
  const { values, set } = useView(["range"]);
  const day = useStats("24h");
  // of younger data a day shows one bar
  const range = toRange(values.range, day.data && isYoung(day.data) ? "1h" : "24h");
  const overview = useOverview();
  const stats = useStats(range);
  return (
    <Page
      title="Overview"
      actions={<RangePicker value={range} onChange={(next) => set({ range: next })} />}
    >
      {overview.isError && (
        <ErrorBox error={overview.error} retry={() => void overview.refetch()} />
      )}
      {overview.isPending && <Loading rows={3} />}
      {overview.data && <Tiles figures={overview.data} stats={stats.data} range={range} />}
      {overview.data && isNew(overview.data, day.data) && <FirstSteps />}
      <Lanes />
      <StatsCharts range={range} />
      <Workers />
    </Page>
  );
}

interface TilesProps {
  figures: Figures;
  stats: Stats | undefined;
  range: RangeName;
}

function Tiles({ figures, stats, range }: TilesProps) {
  const now = useNow();
  const mayOperate = useMay("operator");
  const { jobs, deliveries, dead_letters, lanes, workers } = figures;
  const late = deliveries.oldest_due_at === null ? 0 : now - Date.parse(deliveries.oldest_due_at);
  const totals = stats?.totals;
  const held = lanes.failing + lanes.paused + lanes.disabled;
  return (
    <SimpleGrid cols={{ base: 2, sm: 3, lg: 6 }} spacing="sm">
      <Tile
        name="Jobs under way"
        value={count(jobs.running)}
        hint={`${count(jobs.pending)} waiting`}
        to="/jobs?status=running"
      />
      <Tile
        name={`Success rate, ${RANGES[range].label}`}
        value={percent(totals?.success_rate ?? null)}
        hint={totals ? `${number(totals.deliveries.delivered)} delivered` : undefined}
        tone={totals?.deliveries.dead ? "warn" : undefined}
        to="/deliveries"
      />
      <Tile
        name="Oldest due delivery"
        value={
          late > 1_000 ? relative(deliveries.oldest_due_at!, now).replace(" ago", "") : "none late"
        }
        hint={`${count(deliveries.pending)} pending`}
        tone={late > 60_000 ? "warn" : undefined}
        to="/deliveries?status=pending"
      />
      <Tile
        name="Dead letters"
        value={count(dead_letters)}
        hint={dead_letters.count > 0 ? "waiting for a decision" : "nothing to decide"}
        tone={dead_letters.count > 0 ? "bad" : undefined}
        to="/dead-letters"
      />
      <Tile
        name="Lanes held"
        value={number(held)}
        hint={held === 0 ? `all ${number(lanes.total)} healthy` : heldText(lanes)}
        tone={lanes.failing > 0 ? "bad" : held > 0 ? "warn" : undefined}
        to="/deliveries?status=held"
      />
      <Tile
        name="Workers"
        value={number(workers.alive)}
        hint={workers.silent > 0 ? `${number(workers.silent)} silent` : "all alive"}
        tone={workers.alive === 0 || workers.silent > 0 ? "bad" : undefined}
        {...(mayOperate ? { to: "/settings?tab=workers" } : {})}
      />
    </SimpleGrid>
  );
}

function heldText({ failing, paused, disabled }: Figures["lanes"]): string {
  const parts = Object.entries({ failing, paused, disabled }).filter(([, value]) => value > 0);
  return parts.map(([name, value]) => `${number(value)} ${name}`).join(", ");
}

function isNew({ jobs, deliveries, dead_letters }: Figures, stats: Stats | undefined): boolean {
  const now = jobs.pending.count + jobs.running.count + deliveries.pending.count;
  return now + dead_letters.count === 0 && stats?.totals.jobs.accepted === 0;
}

/** Whether all that happened in this day happened in its last hour. */
function isYoung({ series }: Stats): boolean {
  const before = series.slice(0, -2);
  return before.every(({ jobs, attempts }) =>
    [jobs, attempts].flatMap((one) => Object.values(one)).every((n) => n === 0),
  );
}

function Lanes() {
  const lanes = useTroubledLanes();
  if (!lanes.data || lanes.data.length === 0) return null;
  return (
    <Card title="Lanes that hold deliveries back" flush>
      <LanesTable lanes={lanes.data} />
    </Card>
  );
}

function Workers() {
  const mayOperate = useMay("operator");
  const workers = useWorkers();
  if (!mayOperate) return null;
  return (
    <Card title="Workers" flush>
      {workers.isPending && <Loading rows={2} />}
      {workers.isError && <ErrorBox error={workers.error} retry={() => void workers.refetch()} />}
      {workers.data?.length === 0 && (
        <Text size="sm" p="md" c="dimmed">
          No worker runs: jobs and deliveries wait. Start a process with the roles compute and
          deliver.
        </Text>
      )}
      {workers.data && workers.data.length > 0 && <WorkersTable workers={workers.data} />}
    </Card>
  );
}
