import { setTimeout as sleep } from "node:timers/promises";

/** No answer may take longer, whatever is away. */
const HANG_MS = 20_000;
const GIVE_UP_MS = 30_000;
/** No request may be refused for longer than the longest fault and its aftermath. */
const PATIENCE_MS = 90_000;

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface ApiClient {
  /**
   * Asks until there is an answer that settles the matter: connection refusals, resets, 503 and
   * 409 "in progress" are tried again, for 90 s. Null: it was refused all the time.
   */
  insist(
    method: string,
    path: string,
    options: { body?: string; key?: string },
  ): Promise<Answer | null>;
  /** How often it was refused, by the kind of refusal. */
  refusals: Map<string, number>;
  longestMs(): number;
}

/** A client as the documentation asks for: the same key for the same request, until it is known. */
export function createApiClient(options: {
  baseUrl: string;
  apiKey: string;
  signal: AbortSignal;
  /** Something an API must not do, whatever is away. */
  onMisbehaviour(what: string): void;
}): ApiClient {
  const refusals = new Map<string, number>();
  let longestMs = 0;

  function refused(kind: string): void {
    refusals.set(kind, (refusals.get(kind) ?? 0) + 1);
  }

  async function once(method: string, path: string, body?: string, key?: string): Promise<Answer> {
    const response = await fetch(options.baseUrl + path, {
      method,
      headers: {
        authorization: `Bearer ${options.apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(GIVE_UP_MS),
    });
    const { status, headers } = response;
    return { status, headers, body: (await response.json()) as Record<string, unknown> };
  }

  function isRefusal(answer: Answer): boolean {
    const { status, headers, body } = answer;
    if (status === 503) {
      refused("503");
      if (headers.get("retry-after") === null) {
        options.onMisbehaviour("a 503 came without Retry-After");
      }
      return true;
    }
    if (status === 409 && body["code"] === "idempotency_in_progress") {
      refused("409 in progress");
      return true;
    }
    return false;
  }

  return {
    refusals,
    longestMs: () => longestMs,
    async insist(method, path, { body, key }) {
      const until = Date.now() + PATIENCE_MS;
      while (Date.now() < until) {
        options.signal.throwIfAborted();
        const started = performance.now();
        const answer = await once(method, path, body, key).catch((error: Error) => {
          refused(reasonOf(error));
          return null;
        });
        const tookMs = performance.now() - started;
        longestMs = Math.max(longestMs, tookMs);
        if (tookMs > HANG_MS) {
          options.onMisbehaviour(`${method} ${path} hung for ${Math.round(tookMs)} ms`);
        }
        if (answer !== null && !isRefusal(answer)) return answer;
        await sleep(100 + Math.random() * 200);
      }
      options.onMisbehaviour(`${method} ${path} was refused for ${PATIENCE_MS} ms`);
      return null;
    },
  };
}

/** Why there was no answer: `ECONNREFUSED`, `TimeoutError`. */
export function reasonOf(error: Error): string {
  const cause = error.cause as { code?: string } | undefined;
  return cause?.code ?? error.name;
}
