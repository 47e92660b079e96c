import type { Lane } from "../../api/types.ts";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { count } from "../../components/format.ts";
import { None } from "../../components/none.tsx";
import { Receiver } from "../../components/receiver.tsx";
import { Status } from "../../components/status.tsx";
import { Due, Time } from "../../components/time.tsx";

const COLUMNS: Column<Lane>[] = [
  { id: "status", header: "Status", cell: ({ status }) => <Status value={status} /> },
  {
    id: "destination",
    header: "Destination",
    grow: true,
    cell: ({ endpoint_id, endpoint_description, url, origin }) => (
      <Receiver endpointId={endpoint_id} description={endpoint_description} url={origin ?? url} />
    ),
  },
  {
    id: "reason",
    header: "Why",
    grow: true,
    cell: ({ reason }) => (reason === null ? <None /> : <span title={reason}>{reason}</span>),
  },
  { id: "until", header: "Next probe", cell: ({ until }) => <Due at={until} /> },
  { id: "pending", header: "Pending", align: "right", cell: ({ pending }) => count(pending) },
  { id: "due", header: "Oldest due", cell: ({ oldest_due_at }) => <Time at={oldest_due_at} /> },
];

export function LanesTable({ lanes }: { lanes: Lane[] }) {
  return <DataTable label="Lanes that hold deliveries back" columns={COLUMNS} rows={lanes} />;
}
