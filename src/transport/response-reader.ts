import { StringDecoder } from "node:string_decoder";
import type { Dispatcher } from "undici";
import type { Connection } from "./connection.ts";

const MAX_EXCERPT_BYTES = 16_384;
const MAX_INFORMATIONAL = 32;

type ResponseHeaders = Record<string, string | string[] | undefined>;

/** How an exchange ended: whole, with as much of the body as is kept, or with an error. */
export type ExchangeEnd =
  { kind: "complete" } | { kind: "cut" } | { kind: "failed"; error: unknown };

/** Postgres text and jsonb cannot hold NUL. */
function withoutNul(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\uFFFD") : text;
}

/** Collects one response for undici: its final status and headers, and an excerpt of its body. */
export class ResponseReader implements Dispatcher.DispatchHandler {
  statusCode: number | null = null;
  readonly #connection: Connection;
  readonly #onEnd: (ending: ExchangeEnd) => void;
  #headers: ResponseHeaders = {};
  #body: Buffer | null = null;
  #size = 0;
  #informational = 0;

  /** `onEnd` may be called more than once; the first ending counts. */
  constructor(connection: Connection, onEnd: (ending: ExchangeEnd) => void) {
    this.#connection = connection;
    this.#onEnd = onEnd;
  }

  onRequestStart(): void {
    this.#connection.awaitingResponse = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: ResponseHeaders,
  ): void {
    if (statusCode >= 200) {
      this.statusCode = statusCode;
      this.#headers = headers;
    } else if (++this.#informational > MAX_INFORMATIONAL) {
      this.#onEnd({ kind: "failed", error: new Error("too many informational responses") });
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const room = MAX_EXCERPT_BYTES - this.#size;
    if (room > 0) this.#keep(chunk.length > room ? chunk.subarray(0, room) : chunk);
    if (chunk.length > room) this.#onEnd({ kind: "cut" });
  }

  /** Most bodies are one chunk, kept as it is; more are copied, so that tiny ones cost no memory. */
  #keep(chunk: Buffer): void {
    if (this.#body === null) {
      this.#body = chunk;
    } else {
      if (this.#body.length < MAX_EXCERPT_BYTES) {
        const whole = Buffer.allocUnsafeSlow(MAX_EXCERPT_BYTES);
        this.#body.copy(whole);
        this.#body = whole;
      }
      chunk.copy(this.#body, this.#size);
    }
    this.#size += chunk.length;
  }

  onResponseEnd(): void {
    this.#onEnd({ kind: "complete" });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#onEnd({ kind: "failed", error });
  }

  /** Names in lower case, repeated values joined; null when no status line arrived. */
  headers(): Record<string, string> | null {
    if (this.statusCode === null) return null;
    const headers = this.#headers;
    for (const name in headers) {
      const value = headers[name]!;
      if (typeof value !== "string") headers[name] = withoutNul(value.join(", "));
      else if (value.includes("\0")) headers[name] = withoutNul(value);
    }
    return headers as Record<string, string>;
  }

  /** The excerpt as UTF-8, a character cut in half at its end left out; null without a status. */
  body(): string | null {
    if (this.statusCode === null) return null;
    if (this.#body === null) return "";
    const bytes = this.#body.subarray(0, this.#size);
    const text =
      this.#size === MAX_EXCERPT_BYTES
        ? new StringDecoder("utf8").write(bytes)
        : bytes.toString("utf8");
    return withoutNul(text);
  }
}
