import { backoffMs } from "./backoff.ts";
import type { Exchange } from "./exchange.ts";
import type { DeadReason, RetryPolicy } from "./model.ts";

/** The consequence of an attempt for its delivery. */
export type Outcome =
  | { kind: "delivered" }
  /** Try again `delayMs` from now; a manual attempt goes back to its schedule if that is later. */
  | { kind: "retry"; delayMs: number; failure: string }
  | { kind: "dead"; reason: DeadReason; detail: string };

export interface AttemptSituation {
  retry: RetryPolicy;
  /** Answers after which no attempt is made. */
  finalStatus: readonly number[];
  /** Milliseconds until the delivery is given up by age. */
  leftMs: number;
  /** Which attempt of its budget this was: 1, 2, … */
  budgetUsed: number;
  /** A manual attempt beside a running schedule: it costs no budget and the schedule goes on. */
  beside: boolean;
  now: Date;
  /** Uniform in [0, 1). */
  random: number;
}

const LONGEST_RETRY_AFTER_MS = 86_400_000;

/** The outcome table of the design, whole. */
export function decideOutcome(exchange: Exchange, situation: AttemptSituation): Outcome {
  const { statusCode, error } = exchange;
  if (error === null && statusCode !== null) {
    if (statusCode >= 200 && statusCode < 300) return { kind: "delivered" };
    if (statusCode === 410) {
      return { kind: "dead", reason: "gone", detail: "the receiver answered 410 Gone" };
    }
    if (situation.finalStatus.includes(statusCode)) {
      const detail = `the receiver answered ${statusCode}, which final_status names`;
      return { kind: "dead", reason: "final_status", detail };
    }
  }
  const failure = describeFailure(exchange);
  if (error?.code === "target_blocked") {
    return { kind: "dead", reason: "target_blocked", detail: failure };
  }
  const { retry, budgetUsed, beside, leftMs, now, random } = situation;
  const notBeforeMs = retryAfterMs(exchange, now);
  if (beside) return { kind: "retry", delayMs: notBeforeMs, failure };
  if (budgetUsed >= retry.max_attempts) {
    const attempts = budgetUsed === 1 ? "1 attempt" : `${budgetUsed} attempts`;
    return {
      kind: "dead",
      reason: "exhausted",
      detail: `${attempts} failed; the last: ${failure}`,
    };
  }
  return {
    kind: "retry",
    // the end of its age, if that comes first: it is given up then
    delayMs: Math.min(
      Math.max(backoffMs(retry, budgetUsed, random), notBeforeMs),
      Math.max(0, leftMs),
    ),
    failure,
  };
}

function describeFailure(exchange: Exchange): string {
  if (exchange.error !== null) return `${exchange.error.code}: ${exchange.error.message}`;
  return `HTTP ${exchange.statusCode}`;
}

/** The answers of a receiver, or of a gateway before it, that is overloaded or away. */
const SLOW_DOWN: readonly (number | null)[] = [429, 502, 503, 504];

/** RFC 9110 `Retry-After` of such an answer, in milliseconds from now; capped at 24 h. */
function retryAfterMs(exchange: Exchange, now: Date): number {
  if (!SLOW_DOWN.includes(exchange.statusCode)) return 0;
  const value = exchange.responseHeaders?.["retry-after"]?.trim();
  if (value === undefined || value === "") return 0;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : parseHttpDate(value) - now.getTime();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/** RFC 9110 §5.6.7, the obsolete forms included. Date.parse alone takes "in 2099" for a date. */
function parseHttpDate(text: string): number {
  if (/^[A-Z][a-z]+, [\w -]+ \d\d:\d\d:\d\d GMT$/.test(text)) return Date.parse(text);
  return /^[A-Z][a-z]{2} [A-Z][a-z]{2} [\d ]\d \d\d:\d\d:\d\d \d{4}$/.test(text)
    ? Date.parse(`${text} GMT`)
    : NaN;
}
