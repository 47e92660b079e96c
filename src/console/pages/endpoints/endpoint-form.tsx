import {
  Button,
  Checkbox,
  Group,
  NumberInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Switch,
  TagsInput,
  Text,
  TextInput,
} from "@mantine/core";
import { useForm, type UseFormReturnType } from "@mantine/form";
import { useState } from "react";
import { ENDPOINT_DEFAULTS, pick } from "../../../core/endpoint.ts";
import { DEFAULT_RETRY } from "../../../core/backoff.ts";
import { JOB_EVENTS, type RetryPolicy } from "../../../core/model.ts";
import { RingbackError } from "../../api/client.ts";
import type { Endpoint, EndpointInput } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { duration } from "../../components/format.ts";
import { JsonInput, parseJson } from "../../components/json-input.tsx";
import { ErrorBox } from "../../components/states.tsx";

const NEW: EndpointInput = { url: "", headers: {}, ...ENDPOINT_DEFAULTS };
const SETTINGS = Object.keys(NEW) as (keyof EndpointInput)[];

/** The fields of a retry policy without a list of waits. */
const GROWING = ["max_attempts", "base_s", "factor", "cap_s"] as const;

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

interface EndpointFormProps {
  endpoint?: Endpoint;
  action: string;
  busy: boolean;
  error: unknown;
  onSubmit: (input: EndpointInput) => void;
}

export function EndpointForm({ endpoint, action, busy, error, onSubmit }: EndpointFormProps) {
  const form = useForm<EndpointInput>({ initialValues: initialValues(endpoint) });
  const [headers, setHeaders] = useState(JSON.stringify(form.values.headers, null, 2));
  const parsedHeaders = parseJson(headers);
  const faults = error instanceof RingbackError ? error.errors : [];
  const faultAt = (pointer: string): string | undefined =>
    faults.find((fault) => fault.pointer === pointer)?.detail;
  const { retry } = form.values;
  const [waits, setWaits] = useState<string[] | null>(
    endpoint?.retry.delays_s?.map(String) ?? null,
  );

  const faultIn = (pointer: string): string | undefined =>
    faults.find((fault) => fault.pointer?.startsWith(pointer))?.detail;

  function submit(values: EndpointInput): void {
    if (!("value" in parsedHeaders)) return;
    onSubmit({
      ...pick(values, SETTINGS),
      retry: waits === null ? pick({ ...DEFAULT_RETRY, ...retry }, GROWING) : waitsOf(waits),
      final_status: values.final_status.map(Number),
      disable_after_s: values.disable_after_s || null,
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
            <TagsInput
              label="Events"
              description="Which types of messages it gets. None chosen: all. Your own types may be typed in."
              data={[...JOB_EVENTS]}
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
            <SegmentedControl
              size="xs"
              aria-label="Schedule"
              value={waits === null ? "growing" : "list"}
              onChange={(next) => setWaits(next === "list" ? ["5", "300", "1800"] : null)}
              data={[
                { value: "growing", label: "Growing waits" },
                { value: "list", label: "A list of waits" },
              ]}
              w="fit-content"
            />
            {waits !== null && (
              <TagsInput
                label="Waits, in seconds"
                description="The wait after each failure, ±20 %; one attempt more than waits"
                value={waits}
                onChange={setWaits}
                allowDuplicates
                error={faultAt("/retry/delays_s") ?? faultIn("/retry/delays_s/")}
              />
            )}
            {waits === null && (
              <GrowingWaits form={form} text={scheduleText({ ...DEFAULT_RETRY, ...retry })} />
            )}
            <TagsInput
              label="Final answers"
              description="Status codes, like 400 or 404, after which it is not tried again"
              {...form.getInputProps("final_status")}
              value={form.values.final_status.map(String)}
              onChange={(codes) => form.setFieldValue("final_status", codes.map(Number))}
              error={faultAt("/final_status") ?? faultIn("/final_status/")}
            />
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <NumberInput
                label="Give up after, in hours"
                description="A delivery's greatest age, also while it is held back"
                min={1 / 60}
                max={720}
                required
                withAsterisk={false}
                value={hoursOf(form.values.give_up_after_s)}
                onChange={(hours) =>
                  form.setFieldValue("give_up_after_s", Math.round(Number(hours) * 3_600))
                }
                error={faultAt("/give_up_after_s")}
              />
              <NumberInput
                label="Disable after, in hours"
                description="Of failures with no success among them. Empty: never"
                min={12}
                max={720}
                value={hoursOf(form.values.disable_after_s)}
                onChange={(hours) =>
                  form.setFieldValue(
                    "disable_after_s",
                    hours === "" ? null : Math.round(Number(hours) * 3_600),
                  )
                }
                error={faultAt("/disable_after_s")}
              />
            </SimpleGrid>
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

interface GrowingWaitsProps {
  form: UseFormReturnType<EndpointInput>;
  text: string;
}

function GrowingWaits({ form, text }: GrowingWaitsProps) {
  return (
    <>
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
        {text}
      </Text>
    </>
  );
}

/** The settings, with the growing waits filled in that a list of waits stands in for. */
function initialValues(endpoint: Endpoint | undefined): EndpointInput {
  const { retry, ...settings } = pick({ ...NEW, ...endpoint }, SETTINGS);
  return { ...settings, retry: { ...DEFAULT_RETRY, ...retry } };
}

function waitsOf(waits: readonly string[]): EndpointInput["retry"] {
  return { max_attempts: waits.length + 1, delays_s: waits.map(Number) };
}

/** Hours with at most two decimals, for a field. */
function hoursOf(seconds: number | null): number | "" {
  return seconds === null ? "" : Math.round(seconds / 36) / 100;
}

/** The waits of a retry policy in words, before their jitter of ±20 %. */
function scheduleText({ max_attempts, base_s, factor, cap_s }: RetryPolicy): string {
  if (max_attempts === 1) return "No retry: a failed attempt is a dead letter.";
  const waits = Array.from({ length: Math.max(0, max_attempts - 1) }, (_, index) =>
    Math.min(cap_s, base_s * factor ** index),
  );
  const first = waits.slice(0, 5).map((wait) => duration(wait * 1_000));
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  const rest = waits.length > 5 ? ", …" : "";
  return `Waits ${first.join(", ")}${rest}; gives up after about ${duration(total * 1_000)}.`;
}
