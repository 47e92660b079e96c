import type { z } from "zod";
import { didYouMean } from "../core/nearest.ts";

type Raw = z.core.$ZodRawIssue;

const TYPES: Record<string, string> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "an array",
  tuple: "an array",
  null: "null",
  undefined: "left out",
};

const FORMATS: Record<string, string> = {
  url: "must be a URL",
  email: "must be an email address",
  uuid: "must be a UUID",
  datetime: "must be a time like 2026-11-21T10:15:30Z",
  date: "must be a date like 2026-11-21",
  json_string: "must be JSON",
  base64: "must be base64",
};

/** What counts the size of a thing. */
const UNITS: Record<string, string> = {
  string: "characters",
  array: "entries",
  set: "entries",
  map: "entries",
  object: "fields",
  record: "fields",
};

/** The sentence for a fault that a schema has none of its own for: what must be, and what was given. */
export function issueText(issue: Raw): string {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type":
      return typeText(issue.expected, input);
    case "invalid_value":
      return input === undefined ? REQUIRED : valueText(issue.values, input);
    case "too_small":
      return boundText("at least", "above", issue.minimum, issue);
    case "too_big":
      return boundText("at most", "below", issue.maximum, issue);
    case "invalid_format":
      return FORMATS[issue.format] ?? formatText(issue);
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return unknownFields(issue);
    case "invalid_union":
      return input === undefined ? REQUIRED : `can't be ${nameOf(input)}`;
    case "invalid_key":
      return "has a name that is not allowed";
    case "invalid_element":
    case "custom":
      return issue.message ?? "is not valid";
  }
}

const REQUIRED = "is required";

function typeText(expected: string, input: unknown): string {
  const must = `must be ${TYPES[expected] ?? expected}`;
  if (input === undefined) return REQUIRED;
  // text of a query that is no number
  if (Number.isNaN(input)) return must;
  if (expected === "int" && typeof input === "number") return `${must}, not ${input}`;
  return `${must}, not ${nameOf(input)}`;
}

function nameOf(input: unknown): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "an array";
  if (typeof input === "boolean") return String(input);
  return TYPES[typeof input] ?? typeof input;
}

function valueText(values: readonly unknown[], input: unknown): string {
  const known = values.map((value) => (typeof value === "string" ? value : String(value)));
  const must = known.length === 1 ? `must be ${known[0]}` : `must be one of ${known.join(", ")}`;
  return typeof input === "string" ? hinted(must, input, known) : must;
}

function boundText(
  inclusive: string,
  exclusive: string,
  bound: number | bigint,
  { origin, inclusive: isIn, exact }: { origin: string; inclusive?: boolean; exact?: boolean },
): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${isIn === false ? exclusive : inclusive} ${bound}`;
  const some = Number(bound) === 1 ? unit.replace(/ies$/, "y").replace(/s$/, "") : unit;
  return `must have ${exact === true ? "exactly" : inclusive} ${bound} ${some}`;
}

function formatText(issue: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidStringFormat>): string {
  const { format, pattern, prefix, suffix, includes } = issue as Record<string, unknown>;
  if (typeof prefix === "string") return `must begin with ${prefix}`;
  if (typeof suffix === "string") return `must end with ${suffix}`;
  if (typeof includes === "string") return `must contain ${includes}`;
  return typeof pattern === "string"
    ? `must match ${pattern}`
    : `must be a valid ${String(format)}`;
}

/** One line for each of the fields. */
function unknownFields({ keys, inst }: { keys: string[]; inst?: unknown }): string {
  const { shape = {} } = (inst as { def?: { shape?: object } } | undefined)?.def ?? {};
  const known = Object.keys(shape);
  return keys.map((key) => hinted("is not a known field", key, known)).join("\n");
}

function hinted(text: string, word: string, known: readonly string[]): string {
  const hint = didYouMean(word, known);
  return hint === "" ? text : `${text}.${hint}`;
}
