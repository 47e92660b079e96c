import { Anchor } from "@mantine/core";
import { Link } from "react-router";
import { originPage } from "../../api/secrets.ts";
import type { Callback } from "../../api/types.ts";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { Id } from "../../components/id.tsx";

type Row = Callback & { id: string };

const COLUMNS: Column<Row>[] = [
  {
    id: "receiver",
    header: "Receiver",
    grow: true,
    cell: ({ url, endpoint_id }) =>
      endpoint_id === undefined ? <span className="rb-mono">{url}</span> : <Id id={endpoint_id} />,
  },
  {
    id: "events",
    header: "Events",
    cell: ({ events }) => (events.length === 0 ? "all" : events.join(", ")),
  },
  { id: "ordered", header: "Order", cell: ({ ordered }) => (ordered ? "one at a time" : "any") },
  {
    id: "attempts",
    header: "Attempts",
    align: "right",
    cell: ({ retry }) => retry?.max_attempts ?? "default",
  },
  { id: "secret", header: "Secret", cell: (callback) => <SecretOf {...callback} /> },
];

/** Which secret verifies the calls. */
function SecretOf({ url, endpoint_id, signing }: Row) {
  if (url === undefined) return <SecretLink to={`/endpoints/${endpoint_id}?tab=secret`} />;
  if (signing === undefined) return "none: v1a alone";
  if (signing.secret === "own") return "its own";
  return <SecretLink to={originPage(new URL(url).origin)} />;
}

function SecretLink({ to }: { to: string }) {
  return (
    <Anchor component={Link} to={to} fz="inherit">
      {to.startsWith("/endpoints") ? "the endpoint's" : "the origin's"}
    </Anchor>
  );
}

export function CallbacksTable({ callbacks }: { callbacks: Callback[] }) {
  const rows = callbacks.map((callback, index) => ({ ...callback, id: String(index) }));
  return <DataTable label="Callbacks" columns={COLUMNS} rows={rows} />;
}
