import { Group, Progress, Text } from "@mantine/core";
import { useReplays } from "../../api/replays.ts";
import type { Replay } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { number } from "../../components/format.ts";
import { matchedText } from "../../components/replay-words.ts";
import { None } from "../../components/none.tsx";
import { Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";

/** The last bulk replays and discards, and how far those under way have got. */
export function Replays() {
  const { data } = useReplays();
  if (!data || data.length === 0) return null;
  return (
    <Card title="Replays, discards and cancels" flush>
      <DataTable
        label="Replays, discards and cancels"
        columns={COLUMNS}
        rows={data}
        href={({ id }) => `/replays/${id}`}
      />
    </Card>
  );
}

const COLUMNS: Column<Replay>[] = [
  {
    id: "action",
    header: "What",
    cell: ({ action, target }) => (target === "jobs" ? "retry jobs" : action),
  },
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
];

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

export function which({ ids, ...filter }: Replay["filter"]): string {
  const parts = Object.entries(filter).map(
    ([name, value]) => `${name} ${value === null ? "none" : [value].flat().join(" or ")}`,
  );
  if (ids !== undefined) parts.push(ids.length === 1 ? "1 selected" : `${ids.length} selected`);
  return parts.length === 0 ? "all" : parts.join(", ");
}
