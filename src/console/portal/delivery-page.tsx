import { Alert, Text } from "@mantine/core";
import { useParams } from "react-router";
import { useDelivery, useMessage } from "../api/deliveries.ts";
import { Card } from "../components/card.tsx";
import { Facts } from "../components/facts.tsx";
import { prettyBody } from "../components/format.ts";
import { Id } from "../components/id.tsx";
import { TextView } from "../components/json-view.tsx";
import { Page } from "../components/page.tsx";
import { ErrorBox, Loading } from "../components/states.tsx";
import { Status } from "../components/status.tsx";
import { Time } from "../components/time.tsx";
import { Attempts } from "../pages/deliveries/attempts.tsx";
import { CopyCurl, Countdown, ReplayButton } from "../pages/deliveries/delivery-page.tsx";
import { useCan } from "./session.ts";

/** One delivery: its attempts, and what was sent. */
export function DeliveryPage() {
  const { id = "" } = useParams();
  const { data: delivery, error, refetch } = useDelivery(id);
  const message = useMessage(delivery?.message_id);
  const canReplay = useCan("replay");
  if (delivery === undefined) {
    return (
      <Page title="Delivery" back={{ to: "/", label: "Deliveries" }}>
        {error === null ? <Loading /> : <ErrorBox error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  const { next_attempt_at, finished_at, endpoint_id } = delivery;
  const last = delivery.attempts.toSorted((a, b) => a.number - b.number).at(-1);
  const body = message.data?.body;
  return (
    <Page
      title={delivery.event_type}
      badge={<Status value={delivery.status} />}
      description={<Id id={delivery.id} link={false} />}
      back={{ to: `/?endpoint=${endpoint_id}`, label: "Deliveries" }}
      actions={
        <>
          {last && body !== undefined && <CopyCurl attempt={last} body={body} />}
          {canReplay && <ReplayButton delivery={delivery} />}
        </>
      }
    >
      {delivery.dead_reason !== null && (
        <Alert color="red" variant="outline" title={`Given up: ${delivery.dead_reason}`}>
          <Text size="sm">{delivery.dead_detail}</Text>
        </Alert>
      )}
      <Card>
        <Facts
          facts={[
            {
              name: "Receiver",
              value: <span className="rb-mono">{delivery.url}</span>,
              wide: true,
            },
            { name: "webhook-id", value: <Id id={delivery.message_id} link={false} short /> },
            { name: "Attempts", value: delivery.attempt_count },
            next_attempt_at !== null && {
              name: "Next attempt",
              value: <Countdown at={next_attempt_at} />,
            },
            { name: "Created", value: <Time at={delivery.created_at} /> },
            finished_at !== null && { name: "Ended", value: <Time at={finished_at} /> },
          ]}
        />
      </Card>
      <Attempts delivery={delivery} />
      {body !== undefined && (
        <TextView label="Body (laid out for reading)" text={prettyBody(body)} />
      )}
      {message.isError && <ErrorBox error={message.error} />}
    </Page>
  );
}
