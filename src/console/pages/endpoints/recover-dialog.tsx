import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import dayjs from "dayjs";
import { useState } from "react";
import type { ReplayOrder } from "../../api/replays.ts";
import { ReplayDialog } from "../../components/replay-dialog.tsx";
import { Moment } from "../../components/time-filter.tsx";

const PRESETS = [
  { label: "1 hour ago", hours: 1 },
  { label: "24 hours ago", hours: 24 },
  { label: "7 days ago", hours: 168 },
];

/** "Everything that failed since …": a replay of this endpoint's dead letters. */
export function RecoverDialog({
  endpointId,
  onClose,
}: {
  endpointId: string;
  onClose: () => void;
}) {
  const [since, setSince] = useState<string | null>(dayjs().subtract(24, "hour").toISOString());
  const [order, setOrder] = useState<ReplayOrder | null>(null);
  if (order !== null) return <ReplayDialog order={order} onClose={onClose} />;
  return (
    <Modal opened onClose={onClose} title="Recover" closeButtonProps={{ "aria-label": "Close" }}>
      <Stack gap="md">
        <Text size="sm">
          Sends again everything this endpoint failed to take whose message was made since:
        </Text>
        <Group gap="xs">
          {PRESETS.map(({ label, hours }) => (
            <Button
              key={hours}
              variant="default"
              onClick={() => setSince(dayjs().subtract(hours, "hour").toISOString())}
            >
              {label}
            </Button>
          ))}
        </Group>
        <Moment label="Since" value={since ?? undefined} onChange={setSince} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            onClick={() =>
              setOrder({
                action: "replay",
                filter: { endpoint_id: endpointId, ...(since === null ? {} : { since }) },
              })
            }
          >
            Count them
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
