import {
  Button,
  Checkbox,
  ColorInput,
  Group,
  Modal,
  Select,
  Stack,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useClipboard } from "@mantine/hooks";
import type { PortalSessionInput } from "../../../client/openapi-types.ts";
import type { Permission } from "../../../core/portal.ts";
import { useCreatePartnerLink, usePartnerLinks, useRevokePartnerLink } from "../../api/portal.ts";
import type { Endpoint } from "../../api/types.ts";
import { notifyError } from "../../components/notify.ts";
import { SecretText } from "../../components/secret-text.tsx";
import { ErrorBox } from "../../components/states.tsx";
import { Time } from "../../components/time.tsx";

const CAN: { value: Permission; label: string }[] = [
  { value: "test", label: "Send a test event" },
  { value: "replay", label: "Send again what failed" },
  { value: "secret", label: "Read and rotate the secret" },
  { value: "events", label: "Choose event types" },
];
const LIVES = [
  { value: "3600", label: "1 hour" },
  { value: "28800", label: "8 hours" },
  { value: "86400", label: "24 hours" },
];

interface PartnerLinkProps {
  endpoint: Endpoint;
  onClose: () => void;
}

/** Makes a link by which a partner sees this endpoint, and copies it. */
export function PartnerLink({ endpoint, onClose }: PartnerLinkProps) {
  return (
    <Modal
      opened
      onClose={onClose}
      title="Partner link"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack gap="lg">
        <NewLink endpoint={endpoint} />
        <OpenLinks endpointId={endpoint.id} />
      </Stack>
    </Modal>
  );
}

function NewLink({ endpoint }: { endpoint: Endpoint }) {
  const create = useCreatePartnerLink();
  const clipboard = useClipboard({ timeout: 60_000 });
  const form = useForm({
    initialValues: {
      can: ["test", "replay"] as Permission[],
      event_types: endpoint.events,
      ttl_s: "3600",
      title: "",
      accent: "",
    },
    validate: {
      event_types: (types, { can }) =>
        can.includes("events") && types.length === 0 ? "Name at least one" : null,
    },
  });
  if (create.data !== undefined) {
    return (
      <Stack gap="sm">
        <SecretText label="Link" secret={create.data.url} />
        <Text size="sm" role="status">
          {clipboard.copied ? "Copied. " : ""}It is shown this once. Whoever has it sees this
          endpoint until it ends.
        </Text>
      </Stack>
    );
  }
  function make({ can, event_types, ttl_s, title, accent }: typeof form.values): void {
    const input: PortalSessionInput = {
      endpoint_ids: [endpoint.id],
      can,
      ...(can.includes("events") ? { event_types } : {}),
      ttl_s: Number(ttl_s),
      theme: {
        ...(title.trim() === "" ? {} : { title: title.trim() }),
        ...(accent === "" ? {} : { accent }),
      },
    };
    create.mutate(input, { onSuccess: ({ url }) => clipboard.copy(url) });
  }
  return (
    <form onSubmit={form.onSubmit(make)}>
      <Stack gap="md">
        <Text size="sm">
          Shows a partner this endpoint&rsquo;s deliveries, attempts and payloads, and nothing else.
        </Text>
        <Checkbox.Group label="It may also" {...form.getInputProps("can")}>
          <Stack gap="xs" mt={6}>
            {CAN.map((one) => (
              <Checkbox key={one.value} size="xs" {...one} />
            ))}
          </Stack>
        </Checkbox.Group>
        {form.values.can.includes("events") && (
          <TagsInput
            label="Event types to choose from"
            description="No others can be chosen"
            clearable={false}
            {...form.getInputProps("event_types")}
          />
        )}
        <Select
          label="Ends after"
          data={LIVES}
          allowDeselect={false}
          {...form.getInputProps("ttl_s")}
        />
        <Group grow align="flex-start">
          <TextInput
            label="Title"
            maxLength={80}
            placeholder="Webhooks"
            {...form.getInputProps("title")}
          />
          <ColorInput
            label="Colour"
            format="hex"
            eyeDropperButtonProps={{ "aria-label": "Pick a colour" }}
            {...form.getInputProps("accent")}
          />
        </Group>
        {create.isError && <ErrorBox error={create.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={create.isPending}>
            Make and copy the link
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function OpenLinks({ endpointId }: { endpointId: string }) {
  const links = usePartnerLinks(endpointId);
  const revoke = useRevokePartnerLink();
  if (links.isError) return <ErrorBox error={links.error} />;
  if (!links.data?.length) return null;
  return (
    <Stack gap="xs" role="group" aria-label="Links that are open">
      <Text size="sm" fw={600}>
        Links that are open
      </Text>
      {links.data.map(({ id, can, theme, expires_at }) => (
        <Group key={id} justify="space-between" wrap="nowrap">
          <Text size="sm" component="div" style={{ minWidth: 0 }}>
            {theme.title ?? "Webhooks"}: {can.join(", ")}; ends <Time at={expires_at} />
          </Text>
          <Button
            variant="default"
            size="compact-xs"
            flex="none"
            onClick={() => revoke.mutate(id, { onError: notifyError })}
            aria-label={`End the link ${theme.title ?? id}`}
          >
            End
          </Button>
        </Group>
      ))}
    </Stack>
  );
}
