import { inspect } from "node:util";
import winston from "winston";
import TransportStream from "winston-transport";

/** The key under which winston's formats leave the finished line. */
const MESSAGE = Symbol.for("message");

/** Up to this length, what one process writes to a pipe is not mixed with what another does. */
const WHOLE_BYTES = 4_096;

export interface LogOptions {
  level: string;
  readable: boolean;
  /** Which of several processes it is, that write to the same place. */
  process?: number | undefined;
}

/** JSON lines for machines; one readable line on a terminal. */
export function createLogger(options: LogOptions): winston.Logger {
  const { combine, timestamp, printf } = winston.format;
  shared = options.process !== undefined;
  const readable = printf(({ level, message, timestamp: time, ...fields }) => {
    const rest = Object.entries(fields)
      .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(" ");
    return `${String(time).slice(11, 23)} ${level.toUpperCase().padEnd(5)} ${String(message)}  ${rest}`;
  });
  const log = winston.createLogger({
    level: options.level,
    format: combine(timestamp(), options.readable ? readable : printf(jsonLine)),
    ...(options.process !== undefined && { defaultMeta: { process: options.process } }),
    transports: [new StderrTransport()],
  });
  if (!options.readable) straight.add(log);
  return log;
}

/** Loggers that write JSON to stderr. */
const straight = new WeakSet<winston.Logger>();

/**
 * A line of level info about what happens most. It is the same line as any other, but does not pass
 * through winston's streams and formats, which cost several times as much as the line.
 */
export function logOften(
  log: winston.Logger,
  message: string,
  fields: Record<string, string | number | boolean | null>,
): void {
  if (!straight.has(log)) log.info(message, fields);
  else if (!log.silent && log.isLevelEnabled("info")) {
    append(JSON.stringify({ level: "info", timestamp: timeText(Date.now()), message, ...fields }));
  }
}

let told = { ms: 0, text: "" };

/** Lines come in groups, many of one millisecond. */
function timeText(ms: number): string {
  if (ms !== told.ms) told = { ms, text: new Date(ms).toISOString() };
  return told.text;
}

let pending = "";
let shared = false;

function flush(): void {
  const lines = pending;
  pending = "";
  if (lines === "") return;
  for (const part of shared ? wholeParts(lines) : [lines]) process.stderr.write(part);
}

/** Parts that end with a line, and can be written whole; a line that is too long is one of its own. */
function wholeParts(lines: string): string[] {
  const parts: string[] = [];
  let part = "";
  let bytes = 0;
  for (const line of lines.match(/.*\n/g) ?? []) {
    const more = Buffer.byteLength(line);
    if (part !== "" && bytes + more > WHOLE_BYTES) {
      parts.push(part);
      part = "";
      bytes = 0;
    }
    part += line;
    bytes += more;
  }
  return [...parts, part];
}

function append(line: string): void {
  if (pending === "") setImmediate(flush);
  pending += `${line}\n`;
}

process.once("exit", flush);

/** Lines of one turn of the event loop are written together; those someone must see, at once. */
class StderrTransport extends TransportStream {
  override log(info: winston.Logform.TransformableInfo, written: () => void): void {
    append(String(info[MESSAGE]));
    if (info.level === "error" || info.level === "warn") flush();
    written();
  }
}

/** winston's own is safe for anything and costs twice as much; what JSON can't say is rare. */
function jsonLine({
  level,
  message,
  timestamp: time,
  ...fields
}: winston.Logform.TransformableInfo) {
  const head = { level, timestamp: time, message };
  try {
    return JSON.stringify({ ...head, ...fields });
  } catch {
    return JSON.stringify({ ...head, fields: inspect(fields, { depth: 5 }) });
  }
}

/** The fields of an error that an operator needs. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = (error as { code?: unknown }).code;
  return { error: error.message, ...(code === undefined ? {} : { code }), stack: error.stack };
}
