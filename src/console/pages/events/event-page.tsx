import { SimpleGrid } from "@mantine/core";
import { useParams } from "react-router";
import { useEndpoints } from "../../api/endpoints.ts";
import { useMessageNow } from "../../api/messages.ts";
import type { Delivery, SkippedEndpoint } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { Facts } from "../../components/facts.tsx";
import { json, prettyBody } from "../../components/format.ts";
import { Id } from "../../components/id.tsx";
import { TextView } from "../../components/json-view.tsx";
import { Page } from "../../components/page.tsx";
import { Empty, ErrorBox, Loading } from "../../components/states.tsx";
import { Outcome, Status } from "../../components/status.tsx";
import { Due, Time } from "../../components/time.tsx";
import { Named } from "./named.tsx";

const BACK = { to: "/events", label: "Events" };

export default function EventPage() {
  const { id = "" } = useParams();
  const { data: message, error, refetch } = useMessageNow(id);
  if (message === undefined) {
    return (
      <Page title="Event" back={BACK}>
        {error === null ? <Loading /> : <ErrorBox error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  const { deliveries, skipped, metadata, job_id } = message;
  return (
    <Page title={message.type} description={<Id id={message.id} link={false} />} back={BACK}>
      <Card>
        <Facts
          facts={[
            { name: "Published", value: <Time at={message.timestamp} /> },
            job_id !== null && { name: "Job", value: <Id id={job_id} short /> },
            { name: "Receivers", value: deliveries.length },
            { name: "Request id", value: <Id id={message.request_id} link={false} /> },
          ]}
        />
      </Card>
      <ReceiversCard deliveries={deliveries} />
      {skipped !== null && skipped.length > 0 && (
        <Card title="Endpoints without a delivery" flush>
          <DataTable
            label="Endpoints without a delivery"
            columns={SKIPPED_COLUMNS}
            rows={skipped.map((one) => ({ ...one, id: one.endpoint_id }))}
            href={({ endpoint_id }) => `/endpoints/${endpoint_id}`}
          />
        </Card>
      )}
      <SimpleGrid cols={Object.keys(metadata).length > 0 ? { base: 1, lg: 2 } : 1} spacing="md">
        <TextView label="Body (laid out for reading)" text={prettyBody(message.body)} />
        {Object.keys(metadata).length > 0 && (
          <TextView label="Metadata (not sent)" text={json(metadata)} />
        )}
      </SimpleGrid>
    </Page>
  );
}

function ReceiversCard({ deliveries }: { deliveries: Delivery[] }) {
  const endpoints = useEndpoints({ limit: 200 });
  const names = new Map(endpoints.data?.data.map(({ id, description }) => [id, description]));
  const columns: Column<Delivery>[] = [
    {
      id: "receiver",
      header: "Receiver",
      grow: true,
      cell: ({ endpoint_id, url }) => <Named name={names.get(endpoint_id ?? "") ?? ""} url={url} />,
    },
    { id: "status", header: "Status", cell: ({ status }) => <Status value={status} /> },
    {
      id: "last",
      header: "Last answer",
      cell: (row) => <Outcome code={row.last_status_code} error={row.last_error_code} />,
    },
    { id: "attempts", header: "Attempts", align: "right", cell: (row) => row.attempt_count },
    { id: "next", header: "Next", cell: ({ next_attempt_at }) => <Due at={next_attempt_at} /> },
    { id: "id", header: "Delivery", cell: ({ id }) => <Id id={id} short /> },
  ];
  return (
    <Card title="Receivers" flush>
      {deliveries.length === 0 ? (
        <Empty title="Nobody received it">No endpoint wanted it when it was published.</Empty>
      ) : (
        <DataTable
          label="Receivers"
          columns={columns}
          rows={deliveries}
          href={({ id }) => `/deliveries/${id}`}
        />
      )}
    </Card>
  );
}

const SKIPPED_COLUMNS: Column<SkippedEndpoint & { id: string }>[] = [
  {
    id: "endpoint",
    header: "Endpoint",
    grow: true,
    cell: ({ description, url }) => <Named name={description} url={url} />,
  },
  { id: "why", header: "Why, as far as today's settings tell", cell: ({ detail }) => detail },
  { id: "id", header: "Id", cell: ({ endpoint_id }) => <Id id={endpoint_id} short /> },
];
