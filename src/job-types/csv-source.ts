import { isUtf8 } from "node:buffer";
import { setImmediate as nextTurn } from "node:timers/promises";
import { JobError } from "../core/job-type.ts";

/** The bytes of a CSV text, checked to be UTF-8 without NUL, cut at character boundaries. */
export interface CsvSource {
  chunks: AsyncIterable<Buffer>;
  /** Null when not known beforehand. */
  totalBytes: number | null;
}

const INLINE_CHUNK_BYTES = 256 * 1024;
const BOM = Buffer.from("\ufeff");
const TRY_AGAIN_LATER = new Set([408, 425, 429]);

export function inlineSource(csv: string): CsvSource {
  const bytes = Buffer.from(csv);
  async function* slices(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += INLINE_CHUNK_BYTES) {
      await nextTurn(); // lets a cancellation in
      yield bytes.subarray(at, at + INLINE_CHUNK_BYTES);
    }
  }
  return { chunks: checkedText(slices()), totalBytes: bytes.length };
}

/**
 * Opens a CSV by URL.
 * @throws JobError csv_fetch_failed (retryable unless the answer is a 4xx), target_blocked
 */
export async function urlSource(
  url: string,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<CsvSource> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    throw fetchError(error, signal);
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new JobError(`GET ${url} was answered with ${response.status}`, {
      code: "csv_fetch_failed",
      retryable: response.status >= 500 || TRY_AGAIN_LATER.has(response.status),
    });
  }
  return { chunks: checkedText(bodyOf(response, signal)), totalBytes: lengthOf(response) };
}

async function* bodyOf(response: Response, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (response.body === null) return;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  } catch (error) {
    throw fetchError(error, signal);
  }
}

/** The length counts encoded bytes: of no use when `fetch` decodes the body. */
function lengthOf(response: Response): number | null {
  const length = response.headers.get("content-length");
  return length === null || response.headers.has("content-encoding") ? null : Number(length);
}

function fetchError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  let reason = "";
  let cause = error;
  while (typeof cause === "object" && cause !== null) {
    const { message, code } = cause as { message?: unknown; code?: unknown };
    // What fetch itself says ("fetch failed") is less than its cause.
    if (typeof message === "string" && message !== "") reason = message;
    if (code === "target_blocked") return new JobError(reason, { code: "target_blocked" });
    cause = "cause" in cause ? cause.cause : null;
  }
  return new JobError(`the CSV could not be fetched: ${reason}`, {
    code: "csv_fetch_failed",
    retryable: true,
  });
}

async function* checkedText(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let carried: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const next of chunks) {
    const chunk = carried.length === 0 ? next : Buffer.concat([carried, next]);
    const whole = chunk.length - unfinishedBytes(chunk);
    const text = chunk.subarray(0, whole);
    carried = chunk.subarray(whole);
    if (text.length === 0) continue;
    check(text, offset);
    const start = offset === 0 && text.subarray(0, BOM.length).equals(BOM) ? BOM.length : 0;
    offset += text.length;
    if (text.length > start) yield text.subarray(start);
  }
  if (carried.length > 0) check(carried, offset);
}

/** How many bytes at the end begin a character that the next chunk may finish. */
function unfinishedBytes(chunk: Buffer): number {
  for (let back = 1; back <= 3 && back <= chunk.length; back++) {
    const byte = chunk[chunk.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue; // inside a character
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}

function check(text: Buffer, offset: number): void {
  if (!isUtf8(text)) {
    const utf16 = offset === 0 && ["fffe", "feff"].includes(text.toString("hex", 0, 2));
    const where = `in the line that begins at byte ${offset + badLineStart(text)}`;
    throw new JobError(`the CSV is not UTF-8 ${utf16 ? "(it looks like UTF-16)" : where}`, {
      code: "csv_bad_encoding",
    });
  }
  const nul = text.indexOf(0);
  if (nul >= 0) {
    throw new JobError(`the CSV contains a NUL character at byte ${offset + nul}`, {
      code: "csv_malformed",
    });
  }
}

function badLineStart(text: Buffer): number {
  let start = 0;
  for (;;) {
    const end = text.indexOf("\n", start);
    if (end < 0 || !isUtf8(text.subarray(start, end))) return start;
    start = end + 1;
  }
}
