import type { Worker } from "../api/types.ts";
import { DataTable, type Column } from "./data-table.tsx";
import { number } from "./format.ts";
import { Id } from "./id.tsx";
import { Status } from "./status.tsx";
import { Time } from "./time.tsx";

const COLUMNS: Column<Worker>[] = [
  { id: "id", header: "Worker", cell: ({ id }) => <Id id={id} short /> },
  { id: "state", header: "State", cell: ({ state }) => <Status value={state} /> },
  {
    id: "host",
    header: "Process",
    grow: true,
    cell: ({ hostname, pid }) => <span className="rb-mono">{`${hostname}:${pid}`}</span>,
  },
  { id: "roles", header: "Roles", cell: ({ roles }) => roles.join(", ") },
  { id: "version", header: "Version", cell: ({ version }) => version },
  { id: "jobs", header: "Runs", align: "right", cell: (row) => number(row.running_jobs) },
  { id: "lanes", header: "Lanes", align: "right", cell: (row) => number(row.leased_lanes) },
  { id: "beat", header: "Heartbeat", cell: ({ heartbeat_at }) => <Time at={heartbeat_at} /> },
  { id: "started", header: "Started", cell: ({ started_at }) => <Time at={started_at} /> },
];

export function WorkersTable({ workers }: { workers: Worker[] }) {
  return <DataTable label="Workers" columns={COLUMNS} rows={workers} />;
}
