import { Button, Group, Progress, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { useCancelReplay, useReplays } from "../../api/replays.ts";
import type { Replay } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { Confirm } from "../../components/confirm.tsx";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { number } from "../../components/format.ts";
import { matchedText } from "../../components/replay-dialog.tsx";
import { None } from "../../components/none.tsx";
import { Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";

/** The last bulk replays and discards, and how far those under way have got. */
export function Replays() {
  const { data } = useReplays();
  const [stopping, setStopping] = useState<Replay | null>(null);
  const columns = useMemo(() => columnsFor(setStopping), []);
  if (!data || data.length === 0) return null;
  return (
    <Card title="Replays, discards and cancels" flush>
      <DataTable label="Replays, discards and cancels" columns={columns} rows={data} />
      <StopDialog replay={stopping} onClose={() => setStopping(null)} />
    </Card>
  );
}

function columnsFor(onStop: (replay: Replay) => void): Column<Replay>[] {
  return [
    { id: "action", header: "What", cell: ({ action }) => action },
    { id: "status", header: "Status", cell: ({ status }) => <Status value={status} /> },
    { id: "progress", header: "Progress", cell: (replay) => <Done replay={replay} /> },
    {
      id: "filter",
      header: "Which",
      grow: true,
      cell: ({ filter }) => <span title={which(filter)}>{which(filter)}</span>,
    },
    {
      id: "note",
      header: "Note",
      grow: true,
      cell: ({ note }) => (note === null ? <None /> : <span title={note}>{note}</span>),
    },
    { id: "started", header: "Started", cell: ({ created_at }) => <Time at={created_at} /> },
    {
      id: "stop",
      header: "Action",
      align: "right",
      cell: (replay) =>
        replay.status === "running" ? (
          <Button variant="default" size="compact-xs" onClick={() => onStop(replay)}>
            Stop…
          </Button>
        ) : (
          <None />
        ),
    },
  ];
}

function Done({ replay }: { replay: Replay }) {
  const { replayed, matched, status } = replay;
  return (
    <Group gap="xs" wrap="nowrap" display="inline-flex">
      {status === "running" && (
        <Progress w={80} value={(100 * replayed) / Math.max(1, matched)} aria-label="Progress" />
      )}
      <Text size="sm">
        {number(replayed)} of {matchedText(replay)}
      </Text>
    </Group>
  );
}

function which({ ids, ...filter }: Replay["filter"]): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  if (ids !== undefined) parts.push(ids.length === 1 ? "1 selected" : `${ids.length} selected`);
  return parts.length === 0 ? "all" : parts.join(", ");
}

function StopDialog({ replay, onClose }: { replay: Replay | null; onClose: () => void }) {
  const cancel = useCancelReplay();
  return (
    <Confirm
      opened={replay !== null}
      title="Stop it here?"
      action="Stop"
      busy={cancel.isPending}
      error={cancel.error}
      onClose={onClose}
      onConfirm={() => replay && cancel.mutate(replay.id, { onSuccess: onClose })}
    >
      {replay && `${number(replay.replayed)} of ${matchedText(replay)}`} are done, and stay so; the
      rest is left as it is.
    </Confirm>
  );
}
