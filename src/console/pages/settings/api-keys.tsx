import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  Modal,
  MultiSelect,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Link } from "react-router";
import { ENDPOINT_SCOPES } from "../../../core/scopes.ts";
import { useEndpoints } from "../../api/endpoints.ts";
import { useMay } from "../../api/session.ts";
import { useApiKeys, useCreateApiKey, useRevokeApiKey } from "../../api/settings.ts";
import type { ApiKeyInput } from "../../../client/openapi-types.ts";
import type { ApiKey } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { Confirm } from "../../components/confirm.tsx";
import { DataTable, type Column } from "../../components/data-table.tsx";
import { Id } from "../../components/id.tsx";
import { notifyDone } from "../../components/notify.ts";
import { SecretText } from "../../components/secret-text.tsx";
import { ErrorBox, Loading } from "../../components/states.tsx";
import { Pill, Status } from "../../components/status.tsx";
import { Time } from "../../components/time.tsx";

export function ApiKeys() {
  const { data, error, isPending, refetch } = useApiKeys();
  const [creating, create] = useDisclosure(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const mayChange = useMay("admin");
  const columns = useMemo(() => columnsFor(mayChange, setRevoking), [mayChange]);
  return (
    <Card
      title="API keys"
      flush
      side={
        mayChange && (
          <Button leftSection={<IconPlus size={14} />} onClick={create.open}>
            New key
          </Button>
        )
      }
    >
      {isPending && <Loading rows={3} />}
      {error !== null && <ErrorBox error={error} retry={() => void refetch()} />}
      {data && <DataTable label="API keys" columns={columns} rows={data} />}
      <Modal
        opened={creating}
        onClose={create.close}
        title="New API key"
        closeButtonProps={{ "aria-label": "Close" }}
      >
        <NewKey onClose={create.close} />
      </Modal>
      <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} />
    </Card>
  );
}

function columnsFor(mayChange: boolean, onRevoke: (key: ApiKey) => void): Column<ApiKey>[] {
  return [
    {
      id: "name",
      header: "Name",
      grow: true,
      cell: ({ name, current }) => (
        <Group gap="xs" wrap="nowrap" display="inline-flex">
          <span className="rb-truncate">{name}</span>
          {current && <Pill tone="info">this session</Pill>}
        </Group>
      ),
    },
    { id: "id", header: "Id", cell: ({ id }) => <Id id={id} short /> },
    { id: "scopes", header: "Scopes", cell: ({ scopes }) => scopes.join(", ") },
    {
      id: "endpoints",
      header: "Endpoints",
      cell: ({ endpoint_ids }) =>
        endpoint_ids === null ? (
          "all"
        ) : (
          <Group gap="xs">
            {endpoint_ids.map((id) => (
              <Anchor key={id} component={Link} to={`/endpoints/${id}`} fz="inherit">
                <Id id={id} short />
              </Anchor>
            ))}
          </Group>
        ),
    },
    {
      id: "state",
      header: "State",
      cell: ({ revoked_at }) => <Status value={revoked_at === null ? "active" : "revoked"} />,
    },
    { id: "used", header: "Last used", cell: ({ last_used_at }) => <Time at={last_used_at} /> },
    { id: "created", header: "Created", cell: ({ created_at }) => <Time at={created_at} /> },
    {
      id: "revoke",
      header: "Action",
      align: "right",
      cell: (key) =>
        mayChange &&
        key.revoked_at === null && (
          <Button
            variant="default"
            size="compact-xs"
            onClick={() => onRevoke(key)}
            aria-label={`Revoke ${key.name}`}
          >
            Revoke…
          </Button>
        ),
    },
  ];
}

const SCOPES: { value: ApiKeyInput["scopes"][number]; label: string; description: string }[] = [
  { value: "jobs:read", label: "jobs:read", description: "Look at jobs" },
  { value: "jobs", label: "jobs", description: "Submit, watch and cancel jobs" },
  {
    value: "webhooks:read",
    label: "webhooks:read",
    description: "Look at endpoints, deliveries and dead letters; no secrets",
  },
  {
    value: "webhooks",
    label: "webhooks",
    description: "Endpoints, deliveries, dead letters, signing secrets",
  },
  { value: "admin:read", label: "admin:read", description: "Look at all of it but secrets" },
  { value: "admin", label: "admin", description: "All of it, and API keys" },
];

function NewKey({ onClose }: { onClose: () => void }) {
  const create = useCreateApiKey();
  const endpoints = useEndpoints({ limit: 200 });
  const form = useForm({
    initialValues: {
      name: "",
      scopes: ["jobs"] as ApiKeyInput["scopes"],
      endpoint_ids: [] as string[],
    },
    validate: {
      scopes: (scopes) => (scopes.length === 0 ? "Choose at least one" : null),
      endpoint_ids: (ids, { scopes }) =>
        ids.length > 0 && !scopes.every((one) => ENDPOINT_SCOPES.some((each) => each === one))
          ? `Goes with ${ENDPOINT_SCOPES.join(" and ")} only`
          : null,
    },
  });
  if (create.data !== undefined) {
    return (
      <Stack gap="md">
        <Alert color="yellow" variant="outline" title="Shown this once">
          <Text size="sm">Copy it now. Only a hash of it is kept.</Text>
        </Alert>
        <SecretText label="API key" secret={create.data.key} />
        <Group justify="flex-end">
          <Button onClick={onClose}>I have it</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <form
      onSubmit={form.onSubmit(({ endpoint_ids, ...values }) =>
        create.mutate({ ...values, ...(endpoint_ids.length === 0 ? {} : { endpoint_ids }) }),
      )}
    >
      <Stack gap="md">
        <TextInput
          label="Name"
          description="What it is for"
          required
          maxLength={100}
          data-autofocus
          {...form.getInputProps("name")}
        />
        <Checkbox.Group label="Scopes" {...form.getInputProps("scopes")}>
          <Stack gap="xs" mt={6}>
            {SCOPES.map((scope) => (
              <Checkbox key={scope.value} size="xs" {...scope} />
            ))}
          </Stack>
        </Checkbox.Group>
        <MultiSelect
          label="Endpoints"
          description="The only ones whose deliveries it sees, replays and tests; none chosen: all"
          data={endpoints.data?.data.map(({ id, description, url }) => ({
            value: id,
            label: description || url,
          }))}
          searchable
          maxValues={20}
          {...form.getInputProps("endpoint_ids")}
        />
        {create.isError && <ErrorBox error={create.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Create the key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey | null; onClose: () => void }) {
  const revoke = useRevokeApiKey();
  function close(): void {
    revoke.reset();
    onClose();
  }
  return (
    <Confirm
      opened={apiKey !== null}
      title="Revoke this key?"
      action="Revoke the key"
      danger
      busy={revoke.isPending}
      error={revoke.error}
      onClose={close}
      onConfirm={() =>
        apiKey &&
        revoke.mutate(apiKey.id, {
          onSuccess() {
            notifyDone("The key is revoked");
            close();
          },
        })
      }
    >
      1 key, “{apiKey?.name}”. Whoever uses it is refused from now on.
      {apiKey?.current && " It is the key of this session: you will be signed out."}
    </Confirm>
  );
}
