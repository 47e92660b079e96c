import { Group } from "@mantine/core";
import type { ListedMessage } from "../api/types.ts";
import type { Column } from "./data-table.tsx";
import { number } from "./format.ts";
import { Id } from "./id.tsx";
import { Pill } from "./status.tsx";
import { Time } from "./time.tsx";

const TONES = { pending: "info", delivered: "ok", dead: "bad", canceled: "mute" } as const;

/** How many deliveries of a message are in which state. */
function Receivers({ counts }: { counts: ListedMessage["deliveries"] }) {
  const some = (Object.keys(TONES) as (keyof typeof TONES)[]).filter((name) => counts[name] > 0);
  if (some.length === 0) return <Pill tone="mute">no receiver</Pill>;
  return (
    <Group gap={4} component="span" display="inline-flex">
      {some.map((name) => (
        <Pill key={name} tone={TONES[name]}>
          {number(counts[name])} {name}
        </Pill>
      ))}
    </Group>
  );
}

export const MESSAGE_COLUMNS: Column<ListedMessage>[] = [
  { id: "id", header: "Event", cell: ({ id }) => <Id id={id} short /> },
  { id: "type", header: "Type", cell: ({ type }) => <span className="rb-mono">{type}</span> },
  {
    id: "receivers",
    header: "Receivers",
    cell: ({ deliveries }) => <Receivers counts={deliveries} />,
  },
  {
    id: "about",
    header: "About",
    grow: true,
    cell: ({ excerpt, job_id, metadata }) => <About {...{ excerpt, job_id, metadata }} />,
  },
  { id: "at", header: "Published", cell: ({ timestamp }) => <Time at={timestamp} /> },
];

/** Columns for the events of one thing, which need not say what they are about. */
export const OWN_MESSAGE_COLUMNS = MESSAGE_COLUMNS.filter(({ id }) => id !== "about");

/** What tells one event from the next: the text that was found, its job, or its metadata. */
function About({
  excerpt,
  job_id,
  metadata,
}: Pick<ListedMessage, "excerpt" | "job_id" | "metadata">) {
  if (excerpt !== null) return <span className="rb-mono rb-truncate">{excerpt}</span>;
  if (job_id !== null) return <Id id={job_id} short />;
  const pairs = Object.entries(metadata).map(([key, value]) =>
    typeof value === "string" ? `${key}=${value}` : `${key}=${JSON.stringify(value)}`,
  );
  return <span className="rb-mono rb-truncate">{pairs.join(" ")}</span>;
}
