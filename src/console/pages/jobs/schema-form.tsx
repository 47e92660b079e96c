import {
  NumberInput,
  Select,
  Stack,
  Switch,
  TagsInput,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useState } from "react";
import { exactNumber, isRawNumber } from "../../../core/json-text.ts";
import type { JsonSchema } from "../../api/types.ts";
import { json } from "../../components/format.ts";
import { JsonInput, parseJson } from "../../components/json-input.tsx";

type Fields = Record<string, unknown>;

/** Longer texts get a box of several lines. */
const LONG_TEXT = 500;

/** Whether a form is of use: the input is an object whose fields are known. */
export function canBeForm(schema: JsonSchema): boolean {
  return schema.type === "object" && Object.keys(schema.properties ?? {}).length > 0;
}

/** The initial values of a form of this schema: the defaults. */
export function startValue(schema: JsonSchema | undefined): unknown {
  const { properties } = schema ?? {};
  if (properties === undefined) return {};
  const known = Object.entries(properties).filter(([, field]) => field.default !== undefined);
  return Object.fromEntries(known.map(([name, field]) => [name, field.default]));
}

interface SchemaFormProps {
  schema: JsonSchema;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** Inputs for the fields of an object, made from its JSON Schema. */
export function SchemaForm({ schema, value, onChange }: SchemaFormProps) {
  const fields = (typeof value === "object" && value !== null ? value : {}) as Fields;
  const required = schema.required ?? [];
  function set(name: string, next: unknown): void {
    const { [name]: _, ...rest } = fields;
    onChange(next === undefined ? rest : { ...rest, [name]: next });
  }
  return (
    <Stack gap="sm">
      {Object.entries(schema.properties ?? {}).map(([name, field]) => (
        <Field
          key={name}
          name={name}
          schema={field}
          required={required.includes(name) && field.default === undefined}
          value={fields[name]}
          onChange={(next) => set(name, next)}
        />
      ))}
      {schema.anyOf !== undefined && (
        <Text size="xs" c="dimmed">
          Not every combination is allowed; the server tells what is missing.
        </Text>
      )}
    </Stack>
  );
}

interface FieldProps {
  name: string;
  schema: JsonSchema;
  required: boolean;
  value: unknown;
  /** Undefined leaves the field out. */
  onChange: (value: unknown) => void;
}

function Field({ name, schema, required, value, onChange }: FieldProps) {
  const common = { label: name, description: schema.description, required };
  const choices = schema.enum?.map(textOf);
  if (choices !== undefined) {
    return (
      <Select
        {...common}
        data={choices}
        value={value === undefined ? null : textOf(value)}
        onChange={(text) => onChange(schema.enum?.find((one) => textOf(one) === text))}
        clearable={!required}
      />
    );
  }
  if (takesTexts(schema)) {
    return (
      <TagsInput
        {...common}
        description={`${schema.description ?? ""} Enter adds one.`.trim()}
        value={
          Array.isArray(value) ? value.map(textOf) : value === undefined ? [] : [textOf(value)]
        }
        onChange={(list) => onChange(list.length === 0 && !required ? undefined : list)}
      />
    );
  }
  return <TypedField {...common} schema={schema} value={value} onChange={onChange} />;
}

function TypedField({ schema, value, onChange, ...common }: InputProps & { schema: JsonSchema }) {
  switch (String(schema.type)) {
    case "boolean":
      return (
        <Switch
          label={common.label}
          description={common.description}
          checked={value === true}
          onChange={({ currentTarget }) => onChange(currentTarget.checked)}
        />
      );
    case "integer":
    case "number":
      return (
        <NumberInput
          {...common}
          allowDecimal={schema.type === "number"}
          min={bounded(schema.minimum)}
          max={bounded(schema.maximum)}
          clampBehavior="blur"
          value={
            typeof value === "number" ? value : isRawNumber(value) ? JSON.stringify(value) : ""
          }
          onChange={(next) => onChange(numberOf(next))}
        />
      );
    case "string":
      return <TextField {...common} schema={schema} value={value} onChange={onChange} />;
    default:
      return <AnyField {...common} value={value} onChange={onChange} />;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A number as it is typed: it may have more digits than a double, or not be one yet. */
function numberOf(typed: number | string): unknown {
  if (typed === "") return undefined;
  const whole = typeof typed === "string" && /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(typed);
  return whole ? exactNumber(typed) : Number(typed);
}

/** A list of texts; also where one text alone would do. */
function takesTexts({ type, items, anyOf }: JsonSchema): boolean {
  return (type === "array" && items?.type === "string") || (anyOf ?? []).some(takesTexts);
}

/** zod writes the bounds of safe integers, which are none to a person. */
function bounded(limit: number | undefined): number | undefined {
  return limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER ? limit : undefined;
}

interface InputProps {
  label: string;
  description: string | undefined;
  required: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}

function TextField({ schema, value, onChange, ...common }: InputProps & { schema: JsonSchema }) {
  const text = typeof value === "string" ? value : "";
  const change = (next: string): void => onChange(next === "" ? undefined : next);
  const long = schema.format === undefined && (schema.maxLength ?? Infinity) > LONG_TEXT;
  if (long) {
    return (
      <Textarea
        {...common}
        autosize
        minRows={1}
        maxRows={12}
        value={text}
        onChange={({ currentTarget }) => change(currentTarget.value)}
        classNames={{ input: "rb-mono" }}
      />
    );
  }
  return (
    <TextInput
      {...common}
      type={schema.format === "uri" ? "url" : "text"}
      maxLength={schema.maxLength}
      value={text}
      onChange={({ currentTarget }) => change(currentTarget.value)}
    />
  );
}

/** A field that no input fits: as JSON. */
function AnyField({ label, description, value, onChange }: InputProps) {
  const [text, setText] = useState(value === undefined ? "" : json(value));
  return (
    <JsonInput
      label={label}
      description={description === undefined ? "JSON" : `${description} (JSON)`}
      rows={3}
      value={text === "" ? "null" : text}
      onChange={(next) => {
        setText(next);
        const parsed = parseJson(next);
        if ("value" in parsed) onChange(parsed.value ?? undefined);
      }}
    />
  );
}
