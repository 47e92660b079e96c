import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { newId } from "../core/ids.ts";
import { parseTraceparent } from "../core/trace.ts";
import type { RequestInfo } from "./route.ts";

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Reads what identifies a request: its own id and trace when they are well-formed, else new ones. A
 * new id begins with the time, by which a search finds what the request made.
 */
export function requestInfo(request: IncomingMessage, response: ServerResponse): RequestInfo {
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  };
  const given = header("x-request-id");
  let gone: AbortController | null = null;
  return {
    requestId: given !== undefined && REQUEST_ID.test(given) ? given : newId(),
    traceId: parseTraceparent(header("traceparent")) ?? newTraceId(),
    startedAt: performance.now(),
    remoteAddress: request.socket.remoteAddress ?? "unknown",
    header,
    disconnected() {
      if (gone === null) {
        const controller = new AbortController();
        gone = controller;
        if (response.destroyed || response.closed) controller.abort();
        else response.once("close", () => controller.abort());
      }
      return gone.signal;
    },
  };
}

/** 32 hex digits: those of a UUID, of which Node makes many at once. */
function newTraceId(): string {
  return randomUUID().replaceAll("-", "");
}
