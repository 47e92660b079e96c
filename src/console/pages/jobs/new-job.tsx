import {
  Alert,
  Button,
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { randomId } from "@mantine/hooks";
import { useMemo, useState, type FormEvent } from "react";
import { useNavigate } from "react-router";
import { JsonText } from "../../../client/json-text.ts";
import { parseExactly } from "../../../core/json-text.ts";
import { useJob, useJobTypes, useSubmitJob, type PostedJob } from "../../api/jobs.ts";
import type { JobTypeForm } from "../../api/types.ts";
import { Card } from "../../components/card.tsx";
import { json, prettyBody } from "../../components/format.ts";
import { JsonInput, parseJson } from "../../components/json-input.tsx";
import { Page } from "../../components/page.tsx";
import { ErrorBox, Loading } from "../../components/states.tsx";
import { useView } from "../../components/use-view.ts";
import { CallbackInputs, draftsOf, toCallbacks, type CallbackDraft } from "./callback-inputs.tsx";
import { canBeForm, SchemaForm, startValue } from "./schema-form.tsx";

const BACK = { to: "/jobs", label: "Jobs" };

export default function JobDraft() {
  const types = useJobTypes();
  const again = useView(["again"]).values.again ?? null;
  const model = useJob(again);
  const failed = [types, model].find(({ isError }) => isError);
  return (
    <Page title={again === null ? "New job" : "Submit again"} back={BACK}>
      {types.isLoading || model.isLoading ? <Loading rows={4} /> : null}
      {failed && <ErrorBox error={failed.error} retry={() => void failed.refetch()} />}
      {types.data && (again === null || model.data) && (
        <JobForm key={again} types={types.data} again={model.data ?? null} />
      )}
    </Page>
  );
}

function JobForm({ types, again }: { types: JobTypeForm[]; again: PostedJob | null }) {
  const navigate = useNavigate();
  const submit = useSubmitJob();
  const [name, setName] = useState(again?.type ?? types[0]?.name ?? null);
  const type = types.find((one) => one.name === name);
  const [mode, setMode] = useState<"form" | "json">("form");
  const first = again?.posted.input ?? json(startValue(type?.input_schema));
  const [input, setInput] = useState<unknown>(() => parseExactly(first));
  const [text, setText] = useState(prettyBody(first));
  const [metadata, setMetadata] = useState(prettyBody(again?.posted.metadata ?? "{}"));
  const [timeoutS, setTimeoutS] = useState<number | string>(
    // a type's own limit may be longer than what can be asked for
    again === null || again.timeout_s === type?.timeout_s ? "" : again.timeout_s,
  );
  const [callbacks, setCallbacks] = useState<CallbackDraft[]>(() => draftsOf(again?.callbacks));
  // stays the same while this form is open: a second click makes no second job
  const idempotencyKey = useMemo(() => randomId("console-"), []);
  const [key, setKey] = useState(idempotencyKey);
  const formable = type !== undefined && canBeForm(type.input_schema);
  const asForm = mode === "form" && formable;
  const parsedInput = asForm ? { value: input } : parseJson(text);
  const parsedMetadata = parseJson(metadata);
  const faulty = "fault" in parsedInput || "fault" in parsedMetadata;

  function choose(next: string | null): void {
    setName(next);
    const start = startValue(types.find((one) => one.name === next)?.input_schema);
    setInput(start);
    setText(json(start));
    submit.reset();
  }

  function switchMode(next: string): void {
    if (next === "json") setText(json(input));
    else if ("value" in parsedInput) setInput(parsedInput.value);
    setMode(next as "form" | "json");
  }

  function send(event: FormEvent): void {
    event.preventDefault();
    if ("fault" in parsedInput || "fault" in parsedMetadata || name === null) return;
    const job = {
      type: name,
      input: asForm ? input : new JsonText(text),
      callbacks: toCallbacks(callbacks),
      metadata: new JsonText(metadata),
      ...(timeoutS === "" ? {} : { timeout_s: Number(timeoutS) }),
    };
    submit.mutate(
      { job, idempotencyKey: key },
      { onSuccess: ({ id }) => void navigate(`/jobs/${id}`) },
    );
  }

  return (
    <form onSubmit={send}>
      <Stack gap="md" maw={860}>
        <Card>
          <Stack gap="sm">
            <Group align="flex-end" justify="space-between">
              <Select
                label="Job type"
                size="sm"
                flex={1}
                maw={360}
                data={types.map((one) => one.name)}
                value={name}
                onChange={choose}
                allowDeselect={false}
                searchable
              />
              <SegmentedControl
                size="xs"
                aria-label="How to give the input"
                data={[
                  { value: "form", label: "Form", disabled: !formable },
                  { value: "json", label: "JSON" },
                ]}
                value={asForm ? "form" : "json"}
                onChange={switchMode}
              />
            </Group>
            {type?.description && (
              <Text size="sm" c="dimmed">
                {type.description}
              </Text>
            )}
            {asForm ? (
              <SchemaForm schema={type.input_schema} value={input} onChange={setInput} />
            ) : (
              <JsonInput label="Input" value={text} onChange={setText} rows={10} />
            )}
          </Stack>
        </Card>
        <Card title="Callbacks">
          <CallbackInputs drafts={callbacks} onChange={setCallbacks} />
        </Card>
        <Card title="More">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <JsonInput
              label="Metadata"
              description="Comes back with the job and each of its events"
              value={metadata}
              onChange={setMetadata}
              rows={3}
            />
            <Stack gap="sm">
              <NumberInput
                label="Time limit of a run, in seconds"
                placeholder={type ? String(type.timeout_s) : undefined}
                min={1}
                max={86_400}
                value={timeoutS}
                onChange={setTimeoutS}
              />
              <TextInput
                label="Idempotency key"
                description="The same key and request make one job only"
                value={key}
                onChange={({ currentTarget }) => setKey(currentTarget.value)}
                classNames={{ input: "rb-mono" }}
                required
                withAsterisk={false}
              />
            </Stack>
          </SimpleGrid>
        </Card>
        {submit.isError && <ErrorBox error={submit.error} />}
        {types.length === 0 && <Alert color="yellow">This server knows no job type.</Alert>}
        <Group justify="flex-end">
          <Button type="submit" size="sm" loading={submit.isPending} disabled={faulty}>
            Submit the job
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
