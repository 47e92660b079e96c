import type { IncomingMessage } from "node:http";
import { Problem } from "../core/problem.ts";

/** Longest request body, in bytes. */
export const MAX_BODY_BYTES = 1_048_576;
const JSON_TYPE = "application/json";

/**
 * Reads a JSON body whole.
 * @returns the bytes; empty when there is no body and `optional` is set
 * @throws Problem `content_type_unsupported`, `content_encoding_unsupported`, `body_too_large`,
 *   `body_interrupted`
 */
export async function readBody(request: IncomingMessage, optional: boolean): Promise<Buffer> {
  const announced = Number(request.headers["content-length"] ?? 0);
  const chunked = request.headers["transfer-encoding"] !== undefined;
  if (optional && !chunked && announced === 0) return Buffer.alloc(0);
  if (!optional || announced > 0) checkContent(request, JSON_TYPE);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  const bytes = await collect(request);
  if (optional && bytes.length > 0) checkContent(request, JSON_TYPE);
  return bytes;
}

/** @throws Problem `content_type_unsupported`, `content_encoding_unsupported` */
export function checkContent({ headers }: IncomingMessage, wanted: string): void {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity" && encoding !== "") {
    throw new Problem("content_encoding_unsupported", "Send the body without content-encoding.", {
      headers: { "accept-encoding": "identity" },
    });
  }
  const [type = "", ...parameters] = (headers["content-type"] ?? "")
    .split(";")
    .map((part) => part.trim().toLowerCase());
  const charset = parameters.find((p) => p.startsWith("charset="))?.slice("charset=".length);
  const utf8 = charset === undefined || /^"?utf-?8"?$/.test(charset);
  if (type !== wanted || !utf8) {
    throw new Problem("content_type_unsupported", `Send content-type: ${wanted}, in UTF-8.`, {
      headers: { accept: wanted },
    });
  }
}

function tooLarge(): Problem {
  return new Problem("body_too_large", `The body may have ${MAX_BODY_BYTES} bytes at most.`, {
    headers: { connection: "close" },
  });
}

async function collect(request: IncomingMessage): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (act: () => void) => {
      request.off("data", onData).off("end", onEnd).off("error", onGone).off("close", onGone);
      act();
    };
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) return void chunks.push(chunk);
      request.pause();
      settle(() => reject(tooLarge()));
    };
    const onEnd = () => settle(() => resolve(Buffer.concat(chunks, size)));
    const onGone = () =>
      settle(() => reject(new Problem("body_interrupted", "The body ended before its length.")));
    request.on("data", onData).on("end", onEnd).on("error", onGone).on("close", onGone);
  });
}

const LINGER_MS = 1_000;
const LINGER_BYTES = 16 * MAX_BODY_BYTES;

/**
 * Calls back once the rest of an unread body has been thrown away, or enough of it. A connection
 * that is closed on unread bytes is reset, and the reset can overtake the answer that explains it.
 */
export function discardBody(request: IncomingMessage, done: () => void): void {
  if (request.complete || request.destroyed) return done();
  let left = LINGER_BYTES;
  const timer = setTimeout(finish, LINGER_MS);
  function finish(): void {
    clearTimeout(timer);
    request.off("data", onData).off("end", finish).off("error", finish).off("close", finish);
    done();
  }
  function onData(chunk: Buffer): void {
    left -= chunk.length;
    if (left < 0) finish();
  }
  request.on("data", onData).on("end", finish).on("error", finish).on("close", finish);
  request.resume();
}
