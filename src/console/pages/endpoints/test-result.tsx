import { Anchor, CloseButton, Group, Loader, Text } from "@mantine/core";
import { Link } from "react-router";
import { useDelivery } from "../../api/deliveries.ts";
import { Card } from "../../components/card.tsx";
import { duration } from "../../components/format.ts";
import { ErrorBox } from "../../components/states.tsx";
import { Outcome } from "../../components/status.tsx";

/** The way of a test event, as it happens. */
export function TestResult({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error } = useDelivery(id, true);
  const attempt = data?.attempts[0];
  return (
    <Card
      title="Test event"
      side={<CloseButton size="sm" aria-label="Close the test result" onClick={onClose} />}
    >
      <div role="status">
        {error !== null && <ErrorBox error={error} />}
        {error === null && attempt === undefined && (
          <Group gap="xs">
            <Loader size="xs" />
            <Text size="sm">{data ? "On its way…" : "Asking…"}</Text>
          </Group>
        )}
        {attempt && (
          <Group gap="sm">
            <Outcome code={attempt.status_code} error={attempt.error_code} />
            <Text size="sm">
              {attempt.error_message ?? `Answered after ${duration(attempt.duration_ms)}`}
            </Text>
            <Anchor component={Link} to={`/deliveries/${id}`} size="sm">
              Look at the exchange
            </Anchor>
          </Group>
        )}
      </div>
    </Card>
  );
}
