import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useParams } from "react-router";
import { useReplay, useReplayReport } from "../../api/replays.ts";
import type { Replay, ReplayReport } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { Facts } from "../../components/facts.tsx";
import { number } from "../../components/format.ts";
import { Id } from "../../components/id.tsx";
import { None } from "../../components/none.tsx";
import { Page } from "../../components/page.tsx";
import { wordsOf } from "../../components/replay-words.ts";
import { ReplayButtons, ReplayProgress } from "../../components/replay-running.tsx";
import { Empty, ErrorBox, Loading } from "../../components/states.tsx";
import { Outcome, Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";
import { which } from "./replays.tsx";

const BACK = { to: "/dead-letters", label: "Dead letters" };

type State = ReplayReport["states"][number];

const COLUMNS: Column<State>[] = [
  { id: "count", header: "Count", align: "right", cell: ({ count }) => number(count) },
  { id: "status", header: "Now", cell: ({ status }) => <Status value={status} /> },
  { id: "reason", header: "Reason", cell: ({ reason }) => reason ?? <None /> },
  {
    id: "last",
    header: "Last attempt",
    grow: true,
    cell: ({ status_code, error_code }) => <Outcome code={status_code} error={error_code} />,
  },
];

export default function ReplayPage() {
  const { id = "" } = useParams();
  const { data: replay, error, refetch } = useReplay(id);
  if (replay === undefined) {
    return (
      <Page title="Replay" back={BACK}>
        {error === null ? <Loading /> : <ErrorBox error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  const words = wordsOf(replay);
  return (
    <Page
      title={words.title}
      description={<Id id={replay.id} link={false} />}
      back={BACK}
      actions={<ReplayButtons replay={replay} />}
    >
      <Card>
        <ReplayProgress replay={replay} words={words} />
      </Card>
      <Card>
        <ReplayFacts replay={replay} />
      </Card>
      {replay.action === "replay" && <Report replay={replay} />}
    </Page>
  );
}

function ReplayFacts({ replay }: { replay: Replay }) {
  const { pace, canary, start_at, order, note, destination } = replay;
  return (
    <Facts
      facts={[
        { name: "Which", value: which(replay.filter), wide: true },
        { name: "Ordered", value: <Time at={replay.created_at} /> },
        destination !== null && {
          name: "Copies go to",
          value: <span className="rb-mono">{destination.endpoint_id ?? destination.url}</span>,
          wide: true,
        },
        start_at !== null && { name: "Not before", value: <Time at={start_at} /> },
        { name: "Ended", value: <Time at={replay.finished_at} /> },
        { name: "Order", value: order.replace("_", " ") },
        pace !== null && {
          name: "Pace",
          value: `${number(pace.per_s)} a second${pace.ramp_s > 0 ? `, rising for ${pace.ramp_s} s` : ""}`,
        },
        canary !== null && {
          name: "Canary",
          value: `${number(canary.count)} first, stops above ${canary.max_failed_percent} %`,
        },
        note !== null && { name: "Note", value: note, wide: true },
      ]}
    />
  );
}

/** What became of what was sent again. */
function Report({ replay }: { replay: Replay }) {
  const { data, error, refetch } = useReplayReport(replay.id);
  if (error !== null) return <ErrorBox error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading rows={3} />;
  const rows = data.states.map((state) => ({ ...state, id: JSON.stringify(state) }));
  return (
    <Card
      title="What became of them"
      flush
      side={
        <Button
          component="a"
          href={`/v1/replays/${replay.id}/report?format=csv`}
          download={`${replay.id}.csv`}
          variant="default"
          size="compact-xs"
          leftSection={<IconDownload size={12} />}
        >
          CSV
        </Button>
      }
    >
      {rows.length === 0 ? (
        <Empty title="Nothing yet">It has sent nothing so far.</Empty>
      ) : (
        <DataTable label="What became of them" columns={COLUMNS} rows={rows} />
      )}
    </Card>
  );
}
