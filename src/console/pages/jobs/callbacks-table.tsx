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
];

export function CallbacksTable({ callbacks }: { callbacks: Callback[] }) {
  const rows = callbacks.map((callback, index) => ({ ...callback, id: String(index) }));
  return <DataTable label="Callbacks" columns={COLUMNS} rows={rows} />;
}
