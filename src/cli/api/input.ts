import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import { InvalidArgumentError, Option } from "commander";
import { JsonText } from "../../client/json-text.ts";
import { parseExactly } from "../../core/json-text.ts";
import { usageError } from "../exit.ts";
import { coerceField } from "./coerce.ts";
import type { Terminal } from "../terminal.ts";

type Json = Record<string, unknown>;

/**
 * The input of a job: `--input @file.json`, `--input -` (standard input) or `--input '{…}'`, and
 * fields on top of it: `key=text`, `key:=json`, `key=@file` (its text), `key:=@file` (its JSON).
 * The input is sent as written; with fields on top, numbers still keep all digits.
 * @param schema of the input: `key=text` becomes a number or what else the field is
 */
export async function readInput(
  terminal: Pick<Terminal, "stdin">,
  given: string | undefined,
  fields: readonly string[],
  schema: Json = {},
): Promise<Json | JsonText> {
  if (given === undefined) return await readFields(fields, schema);
  const { text, name } = await readSource(terminal, given);
  const base = parseJson(text, name);
  if (fields.length === 0) return new JsonText(text);
  if (typeof base !== "object" || base === null || Array.isArray(base)) {
    throw usageError("key=value goes with an input that is a JSON object only");
  }
  return { ...base, ...(await readFields(fields, schema)) };
}

export async function readFields(fields: readonly string[], schema: Json = {}): Promise<Json> {
  const pairs = await Promise.all(fields.map((field) => readField(field, schema)));
  return Object.fromEntries(pairs);
}

/** Whether some fields are plain texts, which a schema may turn into something else. */
export function hasTextFields(fields: readonly string[]): boolean {
  return fields.some((field) => /^[^=:]+=(?!@)/.test(field));
}

async function readField(field: string, schema: Json): Promise<[string, unknown]> {
  const [, key, operator, value] = /^([^=:]+)(:=|=)(.*)$/s.exec(field) ?? [];
  if (key === undefined || value === undefined) {
    throw usageError(
      `${JSON.stringify(field)} is no field: write key=text, key:=json, key=@file or key:=@file`,
    );
  }
  const isFile = value.startsWith("@");
  const text = isFile ? await readText(value.slice(1)) : value;
  if (operator === ":=") return [key, parseJson(text, key)];
  return [key, isFile ? text : coerceField(text, schema, key)];
}

/** A secret as text, `@file`, or `-` for standard input, which no list of processes shows. */
export async function readSecret(
  terminal: Pick<Terminal, "stdin">,
  given: string,
): Promise<string> {
  return (await readSource(terminal, given)).text.trim();
}

async function readSource(
  { stdin }: Pick<Terminal, "stdin">,
  source: string,
): Promise<{ text: string; name: string }> {
  if (source === "-") {
    return { text: await readAll(stdin as NodeJS.ReadableStream), name: "the input" };
  }
  if (!source.startsWith("@")) return { text: source, name: "--input" };
  const file = source.slice(1);
  return { text: await readText(file), name: file };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw usageError(`can't read ${file}: ${(error as Error).message}`);
  }
}

function parseJson(text: string, what: string): unknown {
  try {
    return parseExactly(text);
  } catch (error) {
    throw usageError(`${what} is not JSON: ${(error as Error).message}`);
  }
}

/** The parser of an option that may be given several times. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** The parser of a list with commas, given once or several times. */
export function collectList(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(",").map((part) => part.trim())].filter(Boolean);
}

/** An option that takes one of these values, or several with commas between them. */
export function oneOrMore(flags: string, description: string, choices: readonly string[]): Option {
  const option = new Option(flags, description);
  option.argChoices = [...choices];
  return option.argParser((text: string, before: string[] | undefined) => {
    const values = collectList(text, before);
    const wrong = values.find((value) => !choices.includes(value));
    if (values.length > 0 && wrong === undefined) return values;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
  });
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1e9)) throw new InvalidArgumentError("It must be above 0.");
  return value;
}
