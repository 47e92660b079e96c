import { Anchor, Button, Stack, Text } from "@mantine/core";
import { IconDownload, IconHistory } from "@tabler/icons-react";
import { Link } from "react-router";
import { AUDIT_ACTIONS } from "../../../core/audit.ts";
import { useAuditEvents } from "../../api/audit.ts";
import type { Query } from "../../api/client.ts";
import type { AuditEvent } from "../../api/types.ts";
import type { Column } from "../../components/data-table.tsx";
import { Choice, FilterBar, TextFilter } from "../../components/filters.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { None } from "../../components/none.tsx";
import { Empty } from "../../components/states.tsx";
import { TimeFilter, timeQuery } from "../../components/time-filter.tsx";
import { Time } from "../../components/time.tsx";
import { useView } from "../../components/use-view.ts";

const NAMES = ["actor", "action", "target", "range", "since", "until"] as const;

export function AuditLog() {
  const view = useView(NAMES);
  const { values, set, cursor } = view;
  const { range, since, until, ...rest } = values;
  const filter = (): Query => ({ ...rest, ...timeQuery({ range, since, until }) });
  const events = useAuditEvents(() => ({ ...filter(), cursor: cursor.value, limit: 50 }), {
    ...values,
    cursor: cursor.value,
  });
  const filters = (
    <FilterBar filtered={view.filtered} onClear={view.clear}>
      <Choice
        label="Action"
        choices={AUDIT_ACTIONS}
        value={values.action}
        onChange={(action) => set({ action })}
      />
      <TextFilter label="Who (key_…)" value={values.actor} onChange={(actor) => set({ actor })} />
      <TextFilter label="Target id" value={values.target} onChange={(target) => set({ target })} />
      <TimeFilter value={values} onChange={set} />
      <Button
        component="a"
        href={exportUrl(filter())}
        download
        variant="default"
        leftSection={<IconDownload size={14} />}
      >
        Export CSV
      </Button>
    </FilterBar>
  );
  return (
    <ListCard
      label="Audit log"
      query={events}
      columns={COLUMNS}
      cursor={cursor}
      filters={filters}
      empty={
        <Empty title="No change matches" icon={<IconHistory size={28} stroke={1.4} />}>
          Changes of endpoints, secrets, keys and replays are told here.
        </Empty>
      }
    />
  );
}

function exportUrl(filter: Query): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (typeof value === "string") given.set(name, value);
  }
  return `/v1/audit-events/export?${given}`;
}

const COLUMNS: Column<AuditEvent>[] = [
  { id: "at", header: "When", cell: ({ at }) => <Time at={at} /> },
  {
    id: "who",
    header: "Who",
    cell: ({ actor }) => (actor.type === "console" ? `${actor.name}, in the console` : actor.name),
  },
  {
    id: "action",
    header: "Action",
    cell: ({ action }) => <span className="rb-mono">{action}</span>,
  },
  { id: "target", header: "Target", grow: true, cell: ({ target }) => <Target target={target} /> },
  { id: "changed", header: "Changed", grow: true, cell: (event) => <Changes event={event} /> },
  { id: "address", header: "From", cell: ({ address }) => address ?? <None /> },
];

const PAGES: Record<string, string> = { endpoint: "/endpoints", delivery: "/deliveries" };

function Target({ target: { type, id, name } }: Pick<AuditEvent, "target">) {
  const text = (
    <span className="rb-truncate" title={id}>
      {name || id}
    </span>
  );
  const page = PAGES[type];
  if (page === undefined) return text;
  return (
    <Anchor component={Link} to={`${page}/${id}`} fz="inherit">
      {text}
    </Anchor>
  );
}

const SHOWN_CHANGES = 4;

function Changes({ event: { before, after } }: { event: AuditEvent }) {
  const names = Object.keys({ ...before, ...after });
  if (names.length === 0) return <None />;
  const left = names.length - SHOWN_CHANGES;
  return (
    <Stack gap={2} style={{ whiteSpace: "normal", overflowWrap: "anywhere" }}>
      {names.slice(0, SHOWN_CHANGES).map((name) => {
        const values = [before?.[name], after?.[name]].filter((value) => value !== undefined);
        const text = values.map((value) => JSON.stringify(value)).join(" → ");
        return (
          <Text key={name} fz="inherit" lineClamp={2} title={`${name}: ${text}`}>
            {name}: <span className="rb-mono">{text}</span>
          </Text>
        );
      })}
      {left > 0 && <span title={names.slice(SHOWN_CHANGES).join(", ")}>and {left} more</span>}
    </Stack>
  );
}
