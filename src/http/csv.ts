import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Reply } from "./reply.ts";

/** Whether an `Accept` asks for CSV rather than JSON. */
export function wantsCsv(accept: string | undefined): boolean {
  return accept !== undefined && /(^|,)\s*text\/csv\s*(;|,|$)/i.test(accept);
}

/**
 * An answer of CSV, read and written part by part, no faster than the client takes it.
 * @param next the lines that follow; null: these were all
 */
export function csvReply(
  head: string,
  gone: AbortSignal,
  next: () => Promise<string | null>,
): Reply {
  return {
    status: 200,
    headers: { "content-type": "text/csv; charset=utf-8", vary: "Accept" },
    body: null,
    // an answer that breaks off shows that it isn't whole
    stream: (response) => void writeAll(response, head, gone, next).catch(() => response.destroy()),
  };
}

async function writeAll(
  response: ServerResponse,
  head: string,
  gone: AbortSignal,
  next: () => Promise<string | null>,
): Promise<void> {
  for (let text: string | null = head; text !== null; text = await next()) {
    if (gone.aborted || response.destroyed) return;
    if (!response.write(text)) await once(response, "drain", { signal: gone });
  }
  response.end();
}
