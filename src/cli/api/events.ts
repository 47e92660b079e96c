import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { OwnEvent } from "../../client/messages.ts";
import { parseExactly } from "../../core/json-text.ts";
import { usageError } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

/** Events in memory at once. */
const AT_ONCE = 1_000;

/**
 * Reads events from a file of JSON Lines, or `-` for standard input, some at a time. Numbers keep
 * all digits; empty lines are left out.
 * @throws CliError a line is no event, by its number
 */
export async function* readEvents(
  { stdin }: Pick<Terminal, "stdin">,
  file: string,
): AsyncGenerator<OwnEvent[]> {
  const input = file === "-" ? Readable.from(stdin) : createReadStream(file);
  const failed = new Promise<never>((_, reject) =>
    input.once("error", (error: Error) =>
      reject(usageError(`can't read ${file}: ${error.message}`)),
    ),
  );
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  let events: OwnEvent[] = [];
  for (let number = 1; ; number += 1) {
    const next = await Promise.race([lines.next(), failed]);
    if (next.done === true) break;
    if (next.value.trim() === "") continue;
    events.push(readEvent(next.value, number));
    if (events.length < AT_ONCE) continue;
    yield events;
    events = [];
  }
  if (events.length > 0) yield events;
}

function readEvent(line: string, number: number): OwnEvent {
  const fields = parseLine(line, number);
  const { type, data, metadata, idempotency_key: idempotencyKey, ...unknown } = fields;
  const [name] = Object.keys(unknown);
  if (name !== undefined) throw usageError(`line ${number}: ${name} is not a known field`);
  if (typeof type !== "string") throw usageError(`line ${number}: an event has a "type", a text`);
  if (idempotencyKey !== undefined && typeof idempotencyKey !== "string") {
    throw usageError(`line ${number}: idempotency_key is a text`);
  }
  if (!isObject(data)) throw usageError(`line ${number}: data is no JSON object`);
  if (metadata !== undefined && !isObject(metadata)) {
    throw usageError(`line ${number}: metadata is no JSON object`);
  }
  return { type, data, metadata, idempotencyKey };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseLine(line: string, number: number): Record<string, unknown> {
  try {
    const value = parseExactly(line);
    if (isObject(value)) return value;
  } catch {
    // as below
  }
  throw usageError(`line ${number} is no JSON object`);
}
