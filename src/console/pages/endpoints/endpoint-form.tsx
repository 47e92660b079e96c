import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { ENDPOINT_DEFAULTS, pick } from "../../../core/endpoint.ts";
import { JOB_EVENTS } from "../../../core/model.ts";
import { OPERATIONAL_EVENTS } from "../../../core/operational-events.ts";
import { RingbackError } from "../../api/client.ts";
import type { Endpoint, EndpointInput } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { duration } from "../../components/format.ts";
import { JsonInput, parseJson } from "../../components/json-input.tsx";
import { ErrorBox } from "../../components/states.tsx";

const NEW: EndpointInput = { url: "", headers: {}, ...ENDPOINT_DEFAULTS };
const SETTINGS = Object.keys(NEW) as (keyof EndpointInput)[];

const SIGNATURES = [
  {
    value: "v1",
    label: "v1: HMAC-SHA256",
    description: "The receiver checks it with the endpoint's secret",
  },
  {
    value: "v1a",
    label: "v1a: Ed25519",
    description: "The receiver checks it with the account's public key; it takes longest to make",
  },
];

const AUDIENCE_CHOICES = [
  { value: "account", label: "Receiver: the account's events" },
  { value: "operator", label: "Operator: what has to be known" },
];

const FORMAT_CHOICES = [
  { value: "standard", label: "Standard: JSON, as all webhooks" },
  { value: "slack", label: "Slack" },
  { value: "teams", label: "Microsoft Teams" },
  { value: "discord", label: "Discord" },
];

/** The events of one audience are none of the other's. */
function audienceValues(audience: string | null): Pick<EndpointInput, "events" | "format"> & {
  audience: EndpointInput["audience"];
} {
  return {
    audience: audience === "operator" ? "operator" : "account",
    events: [],
    format: "standard",
  };
}

interface EndpointFormProps {
  endpoint?: Endpoint;
  action: string;
  busy: boolean;
  error: unknown;
  onSubmit: (input: EndpointInput) => void;
}

export function EndpointForm({ endpoint, action, busy, error, onSubmit }: EndpointFormProps) {
  const form = useForm({ initialValues: { ...(endpoint ?? NEW) } });
  const [headers, setHeaders] = useState(JSON.stringify(form.values.headers, null, 2));
  const parsedHeaders = parseJson(headers);
  const faults = error instanceof RingbackError ? error.errors : [];
  const faultAt = (pointer: string): string | undefined =>
    faults.find((fault) => fault.pointer === pointer)?.detail;
  const { retry } = form.values;
  const isOperator = form.values.audience === "operator";

  function submit(values: EndpointInput): void {
    if (!("value" in parsedHeaders)) return;
    onSubmit({
      ...pick(values, SETTINGS),
      // an emptied number is the empty text
      rate_limit_per_s: values.rate_limit_per_s || null,
      headers: parsedHeaders.value as Record<string, string>,
    });
  }

  return (
    <form onSubmit={form.onSubmit(submit)}>
      <Stack gap="md" maw={860}>
        <Card title="Receiver">
          <Stack gap="sm">
            <TextInput
              label="URL"
              type="url"
              required
              placeholder="https://example.com/hooks"
              {...form.getInputProps("url")}
              error={faultAt("/url")}
            />
            <TextInput
              label="Description"
              maxLength={500}
              {...form.getInputProps("description")}
              error={faultAt("/description")}
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <Select
                label="Audience"
                data={AUDIENCE_CHOICES}
                allowDeselect={false}
                {...form.getInputProps("audience")}
                onChange={(audience) => form.setValues(audienceValues(audience))}
              />
              {isOperator && (
                <Select
                  label="Format of the body"
                  data={FORMAT_CHOICES}
                  allowDeselect={false}
                  {...form.getInputProps("format")}
                  error={faultAt("/format")}
                />
              )}
            </SimpleGrid>
            <TagsInput
              label="Events"
              description={
                isOperator
                  ? "Which operational events it gets. None chosen: all."
                  : "Which types of messages it gets. None chosen: all. Your own types may be typed in."
              }
              data={isOperator ? [...OPERATIONAL_EVENTS] : [...JOB_EVENTS]}
              placeholder={form.values.events.length === 0 ? "all" : undefined}
              {...form.getInputProps("events")}
              error={faultAt("/events")}
            />
            <JsonInput
              label="Custom headers"
              description="A JSON object of names and values, sent with each request. Values shown as [redacted] stay as they are."
              value={headers}
              onChange={setHeaders}
              rows={3}
            />
            <Checkbox.Group
              label="Signatures"
              description="What it checks. At least one."
              {...form.getInputProps("signatures")}
              error={faultAt("/signatures")}
            >
              <Stack gap="xs" mt={6}>
                {SIGNATURES.map((signature) => (
                  <Checkbox key={signature.value} size="xs" {...signature} />
                ))}
              </Stack>
            </Checkbox.Group>
          </Stack>
        </Card>
        <Card title="Pace">
          <Stack gap="md">
            <Switch
              label="Ordered"
              description="One delivery at a time, each after the one before it has ended"
              {...form.getInputProps("ordered", { type: "checkbox" })}
            />
            <SimpleGrid cols={{ base: 1, sm: 3 }}>
              <NumberInput
                label="At once"
                description="Deliveries under way"
                min={1}
                max={100}
                allowDecimal={false}
                disabled={form.values.ordered}
                required
                {...form.getInputProps("max_in_flight")}
              />
              <NumberInput
                label="Rate limit per second"
                description="Empty: none"
                min={0.01}
                max={10_000}
                {...form.getInputProps("rate_limit_per_s")}
                value={form.values.rate_limit_per_s ?? ""}
              />
              <NumberInput
                label="Timeout, in seconds"
                description="Of a whole exchange"
                min={1}
                max={30}
                allowDecimal={false}
                required
                {...form.getInputProps("timeout_s")}
              />
            </SimpleGrid>
          </Stack>
        </Card>
        <Card title="Retries">
          <Stack gap="sm">
            <SimpleGrid cols={{ base: 2, sm: 4 }}>
              <NumberInput
                label="Attempts"
                min={1}
                max={50}
                allowDecimal={false}
                required
                withAsterisk={false}
                {...form.getInputProps("retry.max_attempts")}
              />
              <NumberInput
                label="First wait, s"
                min={0.1}
                max={3_600}
                required
                withAsterisk={false}
                {...form.getInputProps("retry.base_s")}
              />
              <NumberInput
                label="Growth factor"
                min={1}
                max={10}
                required
                withAsterisk={false}
                {...form.getInputProps("retry.factor")}
              />
              <NumberInput
                label="Longest wait, s"
                min={1}
                max={86_400}
                required
                withAsterisk={false}
                {...form.getInputProps("retry.cap_s")}
              />
            </SimpleGrid>
            <Text size="xs" c="dimmed">
              {scheduleText(retry)}
            </Text>
          </Stack>
        </Card>
        {error !== null && <ErrorBox error={error} />}
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={busy} disabled={"fault" in parsedHeaders}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The waits of a retry policy in words, before their jitter of ±20 %. */
function scheduleText({ max_attempts, base_s, factor, cap_s }: EndpointInput["retry"]): string {
  if (max_attempts === 1) return "No retry: a failed attempt is a dead letter.";
  const waits = Array.from({ length: Math.max(0, max_attempts - 1) }, (_, index) =>
    Math.min(cap_s, base_s * factor ** index),
  );
  const first = waits.slice(0, 5).map((wait) => duration(wait * 1_000));
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  const rest = waits.length > 5 ? ", …" : "";
  return `Waits ${first.join(", ")}${rest}; gives up after about ${duration(total * 1_000)}.`;
}
