import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** The API as a client on another machine sees it. */
export interface Api {
  url: string;
  /** @throws Error when the answer has another status, or a body that does not fit */
  ask<T>(
    method: "GET" | "POST",
    path: string,
    expected: { status: number; body: z.ZodType<T> },
    body?: unknown,
  ): Promise<T>;
}

const problem = z.object({ code: z.string(), detail: z.string().optional() });

export function createApi(options: { url: string; apiKey: string; signal: AbortSignal }): Api {
  const { url, apiKey, signal } = options;
  return {
    url,
    async ask(method, path, expected, body) {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
      });
      const answer: unknown = await response.json();
      if (response.status !== expected.status) {
        const { code, detail } = problem.parse(answer);
        throw new Error(`${method} ${path} answered ${response.status} ${code}: ${detail ?? ""}`);
      }
      return expected.body.parse(answer);
    },
  };
}

const LOOK_EVERY_MS = 100;
const PATIENCE_MS = 30_000;

/**
 * Looks again and again until there is something.
 * @throws Error that names what did not come
 */
export async function waitFor<T>(
  what: string,
  signal: AbortSignal,
  look: () => Promise<T | null>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  throw new Error(`the demo waited ${PATIENCE_MS / 1000} s for ${what}, in vain`);
}
