import { Alert, Button, CopyButton, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconRefresh, IconTerminal2 } from "@tabler/icons-react";
import { useParams } from "react-router";
import { useDelivery, useMessage, useReplayDelivery } from "../../api/deliveries.ts";
import type { Attempt, DeliveryWithAttempts } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { useNow } from "../../components/clock.ts";
import { Confirm } from "../../components/confirm.tsx";
import { Facts } from "../../components/facts.tsx";
import { duration, prettyBody } from "../../components/format.ts";
import { DeliveryStatus, HeldNotice } from "../../components/held.tsx";
import { Id } from "../../components/id.tsx";
import { TextView } from "../../components/json-view.tsx";
import { REPLAYS } from "../../components/list-keys.ts";
import { notifyDone } from "../../components/notify.ts";
import { Page } from "../../components/page.tsx";
import { Receiver } from "../../components/receiver.tsx";
import { ErrorBox, Loading } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";
import { Attempts } from "./attempts.tsx";
import { toCurl } from "./curl.ts";
import { SignatureCard } from "./signature-card.tsx";

const BACK = { to: "/deliveries", label: "Deliveries" };

export default function DeliveryPage() {
  const { id = "" } = useParams();
  const { data: delivery, error, refetch } = useDelivery(id);
  const message = useMessage(delivery?.message_id);
  if (delivery === undefined) {
    return (
      <Page title="Delivery" back={BACK}>
        {error === null ? <Loading /> : <ErrorBox error={error} retry={() => void refetch()} />}
      </Page>
    );
  }
  const last = delivery.attempts.toSorted((a, b) => a.number - b.number).at(-1);
  const body = message.data?.body;
  return (
    <Page
      title={delivery.event_type}
      badge={<DeliveryStatus delivery={delivery} />}
      description={<Id id={delivery.id} link={false} />}
      back={BACK}
      actions={
        <>
          {last && body !== undefined && <CopyCurl attempt={last} body={body} />}
          <ReplayButton delivery={delivery} />
        </>
      }
    >
      <HeldNotice delivery={delivery} />
      {delivery.dead_reason !== null && (
        <Alert color="red" variant="outline" title={`Dead letter: ${delivery.dead_reason}`}>
          <Text size="sm">{delivery.dead_detail}</Text>
          {delivery.discarded && (
            <Text size="sm" component="div">
              Discarded <Time at={delivery.discarded.at} /> with the note “{delivery.discarded.note}
              ”.
            </Text>
          )}
        </Alert>
      )}
      <Card>
        <DeliveryFacts delivery={delivery} />
      </Card>
      <Attempts delivery={delivery} />
      <Stack gap="md">
        {last && body !== undefined && (
          <SignatureCard attempt={last} body={body} endpointId={delivery.endpoint_id} />
        )}
        {body !== undefined && (
          <TextView label="Body (laid out for reading)" text={prettyBody(body)} />
        )}
        {message.isError && <ErrorBox error={message.error} />}
      </Stack>
    </Page>
  );
}

function DeliveryFacts({ delivery }: { delivery: DeliveryWithAttempts }) {
  const { endpoint_id, endpoint_description, job_id, next_attempt_at, finished_at } = delivery;
  return (
    <Facts
      facts={[
        {
          name: "Receiver",
          value: (
            <Receiver
              endpointId={endpoint_id}
              description={endpoint_description}
              url={delivery.url}
            />
          ),
          wide: true,
        },
        endpoint_id !== null && { name: "Endpoint", value: <Id id={endpoint_id} short /> },
        job_id !== null && { name: "Job", value: <Id id={job_id} short /> },
        { name: "Event", value: <Id id={delivery.message_id} short /> },
        { name: "Attempts", value: delivery.attempt_count },
        next_attempt_at !== null &&
          delivery.held === null && {
            name: "Next attempt",
            value: <Countdown at={next_attempt_at} />,
          },
        { name: "Created", value: <Time at={delivery.created_at} /> },
        finished_at !== null && { name: "Ended", value: <Time at={finished_at} /> },
      ]}
    />
  );
}

export function Countdown({ at }: { at: string }) {
  const left = Date.parse(at) - useNow();
  return (
    <>
      {left > 0 ? `in ${duration(Math.ceil(left / 1_000) * 1_000)}` : "due now"} (
      <Time at={at} clock />)
    </>
  );
}

export function CopyCurl({ attempt, body }: { attempt: Attempt; body: string }) {
  return (
    <CopyButton value={toCurl(attempt, body)}>
      {({ copied, copy }) => (
        <Button variant="default" leftSection={<IconTerminal2 size={14} />} onClick={copy}>
          {copied ? "Copied" : "Copy as curl"}
        </Button>
      )}
    </CopyButton>
  );
}

const CONSEQUENCE: Record<string, string> = {
  pending: "It gets 1 attempt now; its schedule stays as it is.",
  delivered: "The receiver has it already. It gets it again, with the same webhook-id.",
  dead: "It leaves the dead letters and starts a fresh budget of attempts.",
  canceled: "",
};

const HELD_CONSEQUENCE = "It gets 1 attempt as soon as nothing holds it back.";

export function ReplayButton({
  delivery: { id, status, held },
}: {
  delivery: DeliveryWithAttempts;
}) {
  const [asking, ask] = useDisclosure(false);
  const replay = useReplayDelivery();
  if (status === "canceled") return null;
  return (
    <>
      <Button {...REPLAYS} leftSection={<IconRefresh size={14} />} onClick={ask.open}>
        {status === "pending" ? "Attempt now" : "Replay"}
      </Button>
      <Confirm
        opened={asking}
        title="Send 1 delivery again?"
        action="Send again"
        busy={replay.isPending}
        error={replay.error}
        onClose={ask.close}
        onConfirm={() =>
          replay.mutate(id, {
            onSuccess() {
              ask.close();
              notifyDone("The delivery is on its way again");
            },
          })
        }
      >
        {held === null ? CONSEQUENCE[status] : HELD_CONSEQUENCE}
      </Confirm>
    </>
  );
}
