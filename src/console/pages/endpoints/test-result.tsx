import { Anchor, CloseButton, Group, Loader, Stack, Text } from "@mantine/core";
import { Link } from "react-router";
import { useDelivery } from "../../api/deliveries.ts";
import { Card } from "../../components/card.tsx";
import { duration, prettyBody } from "../../components/format.ts";
import { TextView } from "../../components/json-view.tsx";
import { ErrorBox } from "../../components/states.tsx";
import { Outcome } from "../../components/status.tsx";

/** The receiver's answer to a test event. */
export function TestResult({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error } = useDelivery(id);
  const attempt = data?.attempts[0];
  return (
    <Card
      title="Test event"
      side={<CloseButton size="sm" aria-label="Close the test result" onClick={onClose} />}
    >
      <Stack gap="sm" role="status">
        {error !== null && <ErrorBox error={error} />}
        {error === null && attempt === undefined && <Loader size="xs" />}
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
        {attempt?.response_body && (
          <TextView label="Answer" text={prettyBody(attempt.response_body)} maxHeight={160} />
        )}
      </Stack>
    </Card>
  );
}
