import { ActionIcon, Button, Checkbox, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import {
  IconBan,
  IconCircleX,
  IconDots,
  IconLink,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefreshAlert,
  IconSend,
  IconTrash,
} from "@tabler/icons-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import {
  useDeleteEndpoint,
  useEndpointAction,
  useTestEndpoint,
  type StateAction,
} from "../../api/endpoints.ts";
import type { ReplayOrder } from "../../api/replays.ts";
import type { Endpoint } from "../../api/types.ts";
import { Confirm } from "../../components/confirm.tsx";
import { notifyDone, notifyError } from "../../components/notify.ts";
import { ReplayDialog } from "../../components/replay-dialog.tsx";
import { PartnerLink } from "./partner-link.tsx";
import { RecoverDialog } from "./recover-dialog.tsx";

const DONE: Record<StateAction, string> = {
  pause: "Paused; deliveries wait",
  resume: "Resumed",
  enable: "Enabled; recover what failed, and send what it missed",
  disable: "Disabled; what it misses is counted",
};

const NEXT: Record<Endpoint["state"], { action: StateAction; label: string }> = {
  active: { action: "pause", label: "Pause" },
  paused: { action: "resume", label: "Resume" },
  disabled: { action: "enable", label: "Enable" },
};

interface EndpointActionsProps {
  endpoint: Endpoint;
  onTest: (deliveryId: string) => void;
}

export function EndpointActions({ endpoint, onTest }: EndpointActionsProps) {
  const change = useEndpointAction(endpoint.id);
  const test = useTestEndpoint(endpoint.id);
  const [recovering, recover] = useDisclosure(false);
  const [deleting, remove] = useDisclosure(false);
  const [linking, link] = useDisclosure(false);
  const [canceling, setCanceling] = useState<ReplayOrder | null>(null);
  const pending = { endpoint_id: endpoint.id, status: "pending" } as const;
  const { action, label } = NEXT[endpoint.state];
  const changeTo = (to: StateAction): void =>
    change.mutate(to, { onSuccess: () => notifyDone(DONE[to]), onError: notifyError });
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconSend size={14} />}
        loading={test.isPending}
        onClick={() =>
          test.mutate(undefined, { onSuccess: ({ id }) => onTest(id), onError: notifyError })
        }
      >
        Send a test event
      </Button>
      <Button
        variant="default"
        leftSection={
          action === "pause" ? <IconPlayerPause size={14} /> : <IconPlayerPlay size={14} />
        }
        loading={change.isPending}
        onClick={() => changeTo(action)}
      >
        {label}
      </Button>
      <Button variant="default" leftSection={<IconRefreshAlert size={14} />} onClick={recover.open}>
        Recover…
      </Button>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={30} aria-label="More actions">
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconLink size={14} />} onClick={link.open}>
            Partner link…
          </Menu.Item>
          <Menu.Item
            leftSection={<IconCircleX size={14} />}
            onClick={() => setCanceling({ action: "cancel", filter: pending })}
          >
            Cancel what is pending…
          </Menu.Item>
          {endpoint.state !== "disabled" && (
            <Menu.Item leftSection={<IconBan size={14} />} onClick={() => changeTo("disable")}>
              Disable
            </Menu.Item>
          )}
          <Menu.Item color="red" leftSection={<IconTrash size={14} />} onClick={remove.open}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {linking && <PartnerLink endpoint={endpoint} onClose={link.close} />}
      {recovering && <RecoverDialog endpointId={endpoint.id} onClose={recover.close} />}
      <ReplayDialog order={canceling} onClose={() => setCanceling(null)} />
      <DeleteDialog endpoint={endpoint} opened={deleting} onClose={remove.close} />
    </>
  );
}

interface DeleteDialogProps {
  endpoint: Endpoint;
  opened: boolean;
  onClose: () => void;
}

function DeleteDialog({ endpoint, opened, onClose }: DeleteDialogProps) {
  const remove = useDeleteEndpoint(endpoint.id);
  const [discard, setDiscard] = useState(false);
  const navigate = useNavigate();
  return (
    <Confirm
      opened={opened}
      title="Delete this endpoint?"
      action="Delete the endpoint"
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(discard, {
          onSuccess() {
            notifyDone("The endpoint is gone");
            void navigate("/endpoints");
          },
        })
      }
    >
      1 endpoint, <span className="rb-mono">{endpoint.url}</span>. All that is pending for it is
      canceled. Its deliveries stay in the log.
      <Checkbox
        mt="md"
        label="Discard its dead letters"
        description="They can't be sent again, as it is gone; else they stay in the inbox"
        checked={discard}
        onChange={({ currentTarget }) => setDiscard(currentTarget.checked)}
      />
    </Confirm>
  );
}
