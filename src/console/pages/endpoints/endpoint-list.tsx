import { Anchor, Button } from "@mantine/core";
import { IconPlugConnected, IconPlus } from "@tabler/icons-react";
import { Link } from "react-router";
import { useEndpoints } from "../../api/endpoints.ts";
import { useStats } from "../../api/overview.ts";
import type { Endpoint } from "../../api/types.ts";
import type { Column } from "../../components/data-table.tsx";
import { duration, number, percent } from "../../components/format.ts";
import { ListCard } from "../../components/list-card.tsx";
import { None } from "../../components/none.tsx";
import { Page } from "../../components/page.tsx";
import { Empty } from "../../components/states.tsx";
import { Status } from "../../components/status.tsx";
import { useView } from "../../components/use-view.ts";

/** Each row asks for its own figures, so a page is short. */
const PAGE_SIZE = 20;

const COLUMNS: Column<Endpoint>[] = [
  {
    id: "name",
    header: "Endpoint",
    grow: true,
    cell: ({ id, url, description }) => (
      <Anchor component={Link} to={`/endpoints/${id}`} fz="inherit" title={url}>
        {description || <span className="rb-mono">{url}</span>}
      </Anchor>
    ),
  },
  { id: "status", header: "Status", cell: ({ status }) => <Status value={status} /> },
  {
    id: "url",
    header: "Receiver",
    grow: true,
    cell: ({ url }) => (
      <span className="rb-mono" title={url}>
        {url}
      </span>
    ),
  },
  {
    id: "events",
    header: "Events",
    cell: ({ events }) =>
      events.length === 0 ? "all" : events.length === 1 ? events[0] : `${events.length} types`,
  },
  { id: "health", header: "Delivered, 24 h", align: "right", cell: ({ id }) => <Health id={id} /> },
  { id: "speed", header: "Response p90", align: "right", cell: ({ id }) => <Speed id={id} /> },
];

export default function EndpointList() {
  const { cursor } = useView([]);
  const endpoints = useEndpoints({ cursor: cursor.value, limit: PAGE_SIZE });
  return (
    <Page title="Endpoints" actions={<NewButton />}>
      <ListCard
        label="Endpoints"
        query={endpoints}
        columns={COLUMNS}
        href={({ id }) => `/endpoints/${id}`}
        cursor={cursor}
        empty={
          <Empty
            title="No endpoints yet"
            icon={<IconPlugConnected size={28} stroke={1.4} />}
            action={<NewButton />}
          >
            An endpoint is a registered receiver: a URL with its own secret, event filter, retry
            policy and limits.
          </Empty>
        }
      />
    </Page>
  );
}

function NewButton() {
  return (
    <Button component={Link} to="/endpoints/new" leftSection={<IconPlus size={14} />}>
      New endpoint
    </Button>
  );
}

function Health({ id }: { id: string }) {
  const { data } = useStats("24h", id);
  if (data === undefined) return <span>…</span>;
  const { deliveries, success_rate } = data.totals;
  if (success_rate === null) return <None />;
  const tone = success_rate >= 0.99 ? "ok" : success_rate >= 0.9 ? "warn" : "bad";
  return (
    <span>
      <span className={`rb-${tone} rb-tone`}>{percent(success_rate)}</span> of{" "}
      {number(deliveries.delivered + deliveries.dead)}
    </span>
  );
}

function Speed({ id }: { id: string }) {
  const { data } = useStats("24h", id);
  const found = data?.totals.response_ms;
  return found ? <span>{duration(found.p90)}</span> : <None />;
}
