import type { RingbackError } from "./errors.ts";

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;
/** A server that asks for more than this gets its way by the caller, who knows what to do then. */
const LONGEST_WAIT_MS = 60_000;

/** Statuses of a server or a proxy that can't answer right now. */
const PASSING = new Set([502, 503, 504]);

/**
 * Whether a call may be made again after this error.
 * @param repeatable doing it twice is the same as doing it once
 */
export function mayRetry({ code, status }: RingbackError, repeatable: boolean): boolean {
  // refused before anything was done
  if (status === 429 || code === "idempotency_in_progress") return true;
  const passing = status === null ? code !== "answer_malformed" : PASSING.has(status);
  return passing && repeatable;
}

/**
 * Milliseconds until the next try; null: too long to wait.
 * @param attempt how many were made: 1, 2, …
 */
export function pauseBefore(attempt: number, retryAfter: string | null): number | null {
  const backoff = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
  const asked = retryAfterMs(retryAfter);
  if (asked > LONGEST_WAIT_MS) return null;
  // never earlier than asked, and not everyone at once
  return asked > 0 ? asked + (Math.random() * backoff) / 4 : backoff * (0.5 + Math.random() / 2);
}

/** RFC 9110: seconds, or a date. 0: nothing that could be understood. */
export function retryAfterMs(value: string | null): number {
  if (value === null) return 0;
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}

/** Resolves after a while; rejects with the signal's reason when that comes first. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
