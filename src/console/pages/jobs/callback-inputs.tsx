import {
  ActionIcon,
  Button,
  Group,
  MultiSelect,
  PasswordInput,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useEndpoints } from "../../api/endpoints.ts";
import type { Callback } from "../../api/types.ts";
import { DEFAULT_CALLBACK_EVENTS, JOB_EVENTS } from "../../../core/model.ts";

export interface CallbackDraft {
  kind: "url" | "endpoint";
  url: string;
  endpointId: string | null;
  events: string[];
  /** Empty: that of its origin. */
  secret: string;
  /** Parts of a job that is submitted again which the form does not show. */
  more?: Pick<Callback, "headers" | "retry" | "timeout_s" | "signatures" | "ordered">;
  /** Parts that the server does not show, so that they are missing here. */
  hidden?: string[];
}

const REDACTED = "[redacted]";

export function toCallbacks(drafts: CallbackDraft[]): Callback[] {
  return drafts.map(({ kind, url, endpointId, events, secret, more }) => ({
    ...(kind === "url"
      ? { ...more, url, ...(secret !== "" && { secret }) }
      : { endpoint_id: endpointId ?? "" }),
    events,
  }));
}

/** Secrets can't be taken over: the server does not show them. */
export function draftsOf(callbacks: Callback[] = []): CallbackDraft[] {
  return callbacks.map((callback) => {
    const { url = "", endpoint_id = null, events, headers = {}, signing, ...rest } = callback;
    const shown = Object.entries(headers).filter(([, value]) => value !== REDACTED);
    const missing = Object.keys(headers).length - shown.length;
    return {
      kind: endpoint_id === null ? "url" : "endpoint",
      url,
      endpointId: endpoint_id,
      events,
      secret: "",
      more: { ...rest, ...(shown.length > 0 && { headers: Object.fromEntries(shown) }) },
      hidden: [
        ...(signing?.secret === "own" ? ["the secret of its own"] : []),
        ...(missing > 0 ? [missing === 1 ? "1 secret header" : `${missing} secret headers`] : []),
      ],
    };
  });
}

interface CallbackInputsProps {
  drafts: CallbackDraft[];
  onChange: (drafts: CallbackDraft[]) => void;
}

export function CallbackInputs({ drafts, onChange }: CallbackInputsProps) {
  const endpoints = useEndpoints({ limit: 200 });
  const choices = (endpoints.data?.data ?? []).map(({ id, url, description }) => ({
    value: id,
    label: description === "" ? url : `${description} (${url})`,
  }));
  const change = (index: number, changes: Partial<CallbackDraft>): void =>
    onChange(drafts.map((draft, at) => (at === index ? { ...draft, ...changes } : draft)));
  return (
    <Stack gap="sm" align="stretch">
      {drafts.length === 0 && (
        <Text size="sm" c="dimmed">
          Only endpoints that subscribe to job events get an event when it ends.
        </Text>
      )}
      {drafts.map((draft, index) => (
        <Group key={index} align="flex-end" gap="xs">
          <Select
            label="Receiver"
            w={120}
            data={[
              { value: "url", label: "URL" },
              { value: "endpoint", label: "Endpoint" },
            ]}
            value={draft.kind}
            onChange={(kind) => change(index, { kind: kind as CallbackDraft["kind"] })}
            allowDeselect={false}
          />
          {draft.kind === "url" ? (
            <TextInput
              label="Callback URL"
              type="url"
              required
              withAsterisk={false}
              flex="1 1 220px"
              placeholder="https://example.com/hooks"
              value={draft.url}
              onChange={({ currentTarget }) => change(index, { url: currentTarget.value })}
            />
          ) : (
            <Select
              label="Endpoint"
              flex="1 1 220px"
              required
              withAsterisk={false}
              data={choices}
              value={draft.endpointId}
              onChange={(endpointId) => change(index, { endpointId })}
              searchable
              nothingFoundMessage="No endpoint is registered"
            />
          )}
          <MultiSelect
            label="Events"
            flex="1 1 220px"
            data={[...JOB_EVENTS]}
            value={draft.events}
            onChange={(events) => change(index, { events })}
            placeholder={draft.events.length === 0 ? "all" : undefined}
          />
          {draft.kind === "url" && (
            <PasswordInput
              label="Secret"
              w={150}
              placeholder="its origin's"
              autoComplete="off"
              value={draft.secret}
              onChange={({ currentTarget }) => change(index, { secret: currentTarget.value })}
            />
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Remove this callback"
            onClick={() => onChange(drafts.filter((_, at) => at !== index))}
          >
            <IconTrash size={16} />
          </ActionIcon>
          {draft.hidden !== undefined && draft.hidden.length > 0 && (
            <Text size="xs" c="dimmed" w="100%">
              Without {draft.hidden.join(" and ")} of the first time: the server does not show
              secrets.
            </Text>
          )}
        </Group>
      ))}
      <Button
        variant="default"
        leftSection={<IconPlus size={14} />}
        style={{ alignSelf: "flex-start" }}
        onClick={() =>
          onChange([
            ...drafts,
            {
              kind: "url",
              url: "",
              endpointId: null,
              events: [...DEFAULT_CALLBACK_EVENTS],
              secret: "",
            },
          ])
        }
      >
        Add a callback
      </Button>
    </Stack>
  );
}
