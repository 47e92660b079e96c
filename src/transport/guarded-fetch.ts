import { Agent, fetch as undiciFetch } from "undici";
import { createGuardedConnector, type GuardOptions } from "./target-guard.ts";

/**
 * `fetch` that reaches only addresses the service may call. Redirects are followed and responses
 * stream as usual: the guard sits where connections are made, so each hop passes it. A refusal is
 * a TypeError whose `cause` is a TargetBlockedError. Request bodies are read into memory first.
 */
export function createGuardedFetch(
  options: Pick<GuardOptions, "rules" | "resolve" | "ca">,
): typeof fetch {
  const connector = createGuardedConnector(options);
  const dispatcher = new Agent({
    allowH2: false,
    connect: (target, callback) => void connector(target, callback),
  });

  return async function guardedFetch(input, init) {
    // undici's own fetch does not know the runtime's Request, Headers and FormData.
    const request = new Request(input, init);
    const { method, redirect, signal } = request;
    const body = request.body === null ? null : await request.arrayBuffer();
    const headers = [...request.headers];
    return undiciFetch(request.url, { method, headers, redirect, signal, body, dispatcher });
  };
}
