import { reasonOf } from "../api-client.ts";
import type { Stack } from "../stack.ts";

const GIVE_UP_MS = 30_000;

export interface ChaosAnswer {
  status: number;
  body: Record<string, unknown>;
}

/** What one kind of call took, each time, and how it was answered. */
export interface Calls {
  ms: number[];
  statuses: Map<string, number>;
}

export interface ChaosClient {
  /** Asks any of the processes, once. The name is that of the action, for the report. */
  call(name: string, method: string, path: string, body?: unknown): Promise<ChaosAnswer>;
  calls: ReadonlyMap<string, Calls>;
  /** Answers of 500 and above, and none at all. */
  refused: string[];
}

export function createChaosClient({ processes, apiKey }: Stack, signal: AbortSignal): ChaosClient {
  const calls = new Map<string, Calls>();
  const refused: string[] = [];

  async function ask(method: string, path: string, body: unknown): Promise<ChaosAnswer> {
    const { port } = processes[Math.floor(Math.random() * processes.length)]!;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(GIVE_UP_MS)]),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text === "" ? {} : (JSON.parse(text) as ChaosAnswer["body"]),
    };
  }

  return {
    calls,
    refused,
    async call(name, method, path, body) {
      const began = performance.now();
      const known = calls.get(name) ?? { ms: [], statuses: new Map<string, number>() };
      calls.set(name, known);
      const answer = await ask(method, path, body).catch((error: Error) => {
        signal.throwIfAborted();
        return {
          status: 0,
          body: {
            detail: reasonOf(error),
          },
        };
      });
      const ms = performance.now() - began;
      const status = String(answer.status || answer.body["detail"]);
      known.ms.push(ms);
      known.statuses.set(status, (known.statuses.get(status) ?? 0) + 1);
      if (answer.status >= 500 || answer.status === 0) {
        refused.push(
          `${name}: ${status} after ${Math.round(ms)} ms ${JSON.stringify(answer.body)}`,
        );
      }
      return answer;
    },
  };
}
