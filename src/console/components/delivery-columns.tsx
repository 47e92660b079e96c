import type { Delivery } from "../api/types.ts";
import type { Column } from "./data-table.tsx";
import { DeliveryStatus, NextAttempt } from "./held.tsx";
import { Id } from "./id.tsx";
import { Receiver } from "./receiver.tsx";
import { Outcome } from "./status.tsx";
import { Time } from "./time.tsx";

/** Columns for event, receiver and attempts so far, of deliveries and dead letters. */
export const ATTEMPT_COLUMNS: Column<Delivery>[] = [
  {
    id: "event",
    header: "Event",
    cell: ({ event_type }) => <span className="rb-mono">{event_type}</span>,
  },
  {
    id: "url",
    header: "Receiver",
    grow: true,
    cell: (row) => (
      <Receiver endpointId={row.endpoint_id} description={row.endpoint_description} url={row.url} />
    ),
  },
  {
    id: "last",
    header: "Last answer",
    cell: (row) => <Outcome code={row.last_status_code} error={row.last_error_code} />,
  },
  { id: "attempts", header: "Attempts", align: "right", cell: (row) => row.attempt_count },
];

export const DELIVERY_COLUMNS: Column<Delivery>[] = [
  { id: "id", header: "Delivery", cell: ({ id }) => <Id id={id} short /> },
  { id: "status", header: "Status", cell: (row) => <DeliveryStatus delivery={row} /> },
  ...ATTEMPT_COLUMNS,
  { id: "next", header: "Next", cell: (row) => <NextAttempt delivery={row} /> },
  { id: "created", header: "Created", cell: ({ created_at }) => <Time at={created_at} /> },
];
