import { describe, expect, test } from "@jest/globals";
import { changeRetry, DEFAULT_RETRY } from "../../src/core/backoff.ts";
import { EXCHANGE_ERROR_CODES } from "../../src/core/exchange.ts";
import type { Exchange } from "../../src/core/exchange.ts";
import { decideOutcome } from "../../src/core/outcome.ts";
import type { AttemptSituation } from "../../src/core/outcome.ts";

const NOW = new Date("2026-11-21T10:00:00.000Z");
const DAY = 86_400_000;

function answer(statusCode: number | null, rest: Partial<Exchange> = {}): Exchange {
  return {
    startedAt: NOW,
    durationMs: 5,
    remoteAddress: "203.0.113.5",
    statusCode,
    responseHeaders: {},
    responseBody: "",
    responseTruncated: false,
    error: null,
    ...rest,
  };
}

function situation(rest: Partial<AttemptSituation> = {}): AttemptSituation {
  const retry = { max_attempts: 12, base_s: 5, factor: 3, cap_s: 86_400 };
  const open = { finalStatus: [], leftMs: Infinity };
  return { retry, ...open, budgetUsed: 1, beside: false, now: NOW, random: 0.5, ...rest };
}

describe("the outcome of an attempt", () => {
  test.each([200, 201, 202, 204, 206, 226, 299])("%i: delivered", (status) => {
    expect(decideOutcome(answer(status), situation())).toEqual({ kind: "delivered" });
    const last = situation({ budgetUsed: 12 });
    expect(decideOutcome(answer(status), last)).toEqual({ kind: "delivered" });
  });

  test("2xx with a body that was cut off at 16 KiB: delivered", () => {
    const cut = answer(200, { responseTruncated: true });
    expect(decideOutcome(cut, situation())).toEqual({ kind: "delivered" });
  });

  test("410: dead, gone, whatever is left of the budget", () => {
    for (const rest of [{}, { budgetUsed: 12 }, { beside: true }]) {
      expect(decideOutcome(answer(410), situation(rest))).toEqual({
        kind: "dead",
        reason: "gone",
        detail: "the receiver answered 410 Gone",
      });
    }
  });

  test.each([
    300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 408, 409, 422, 425, 429, 499, 500, 501,
    502, 503, 504, 599, 600, 999,
  ])("%i: retry", (status) => {
    const outcome = decideOutcome(answer(status), situation({ budgetUsed: 3 }));
    expect(outcome).toEqual({ kind: "retry", delayMs: 45_000, failure: `HTTP ${status}` });
  });

  test.each(EXCHANGE_ERROR_CODES.filter((code) => code !== "target_blocked"))(
    "%s: retry",
    (code) => {
      const failed = answer(null, { responseHeaders: null, error: { code, message: "why" } });
      const outcome = decideOutcome(failed, situation());
      expect(outcome).toEqual({ kind: "retry", delayMs: 5_000, failure: `${code}: why` });
    },
  );

  test.each([200, 410, 503])("%i whose body did not arrive: retry", (status) => {
    const error = { code: "timeout" as const, message: "no complete response within 15000 ms" };
    expect(decideOutcome(answer(status, { error }), situation())).toMatchObject({
      kind: "retry",
      failure: "timeout: no complete response within 15000 ms",
    });
  });

  test("a blocked address: dead at once", () => {
    const error = { code: "target_blocked" as const, message: "10.0.0.1 is not an address" };
    const blocked = answer(null, { responseHeaders: null, error });
    for (const rest of [{}, { beside: true }, { budgetUsed: 12 }]) {
      expect(decideOutcome(blocked, situation(rest))).toEqual({
        kind: "dead",
        reason: "target_blocked",
        detail: "target_blocked: 10.0.0.1 is not an address",
      });
    }
  });

  test.each([
    [1, 1, "1 attempt failed; the last: HTTP 500"],
    [12, 12, "12 attempts failed; the last: HTTP 500"],
    // the policy was made smaller meanwhile
    [3, 7, "7 attempts failed; the last: HTTP 500"],
  ])("of %i attempts the %ith failed: dead, exhausted", (max_attempts, budgetUsed, detail) => {
    const retry = { max_attempts, base_s: 5, factor: 3, cap_s: 86_400 };
    const outcome = decideOutcome(answer(500), situation({ retry, budgetUsed }));
    expect(outcome).toEqual({ kind: "dead", reason: "exhausted", detail });
  });

  test("the last but one is tried again", () => {
    expect(decideOutcome(answer(500), situation({ budgetUsed: 11 })).kind).toBe("retry");
  });

  test("a manual attempt beside a schedule never ends it, and adds no delay", () => {
    const beside = situation({ beside: true, budgetUsed: 12 });
    expect(decideOutcome(answer(500), beside)).toEqual({
      kind: "retry",
      delayMs: 0,
      failure: "HTTP 500",
    });
    const later = answer(503, { responseHeaders: { "retry-after": "60" } });
    expect(decideOutcome(later, beside)).toMatchObject({ kind: "retry", delayMs: 60_000 });
    expect(decideOutcome(answer(200), beside)).toEqual({ kind: "delivered" });
  });

  test("an answer that is final for the receiver: dead at once", () => {
    const rest = { finalStatus: [400, 404] };
    for (const more of [{}, { beside: true }, { budgetUsed: 12 }]) {
      expect(decideOutcome(answer(404), situation({ ...rest, ...more }))).toEqual({
        kind: "dead",
        reason: "final_status",
        detail: "the receiver answered 404, which final_status names",
      });
    }
    expect(decideOutcome(answer(403), situation(rest)).kind).toBe("retry");
    const cut = { code: "timeout" as const, message: "no complete response" };
    expect(decideOutcome(answer(404, { error: cut }), situation(rest)).kind).toBe("retry");
  });

  test("the wait ends with the age of the delivery", () => {
    expect(decideOutcome(answer(500), situation({ leftMs: 1_234 }))).toMatchObject({
      kind: "retry",
      delayMs: 1_234,
    });
    expect(decideOutcome(answer(500), situation({ leftMs: -5 }))).toMatchObject({ delayMs: 0 });
    const asked = answer(503, { responseHeaders: { "retry-after": "3600" } });
    expect(decideOutcome(asked, situation({ leftMs: 60_000 }))).toMatchObject({ delayMs: 60_000 });
  });

  test("a list of waits: each in turn, ±20 %, and one attempt more", () => {
    const retry = changeRetry(DEFAULT_RETRY, { delays_s: [1, 600, 7] });
    const delays = [1, 2, 3].map(
      (budgetUsed) =>
        (decideOutcome(answer(500), situation({ retry, budgetUsed })) as { delayMs: number })
          .delayMs,
    );
    expect(delays).toEqual([1_000, 600_000, 7_000]);
    expect(decideOutcome(answer(500), situation({ retry, random: 0 }))).toMatchObject({
      delayMs: 800,
    });
    const last = decideOutcome(answer(500), situation({ retry, budgetUsed: 4 }));
    expect(last).toMatchObject({ kind: "dead", reason: "exhausted" });
    // the other form stands in for the list, and begins from the defaults
    expect(changeRetry(retry, { max_attempts: 3 })).toEqual({ ...DEFAULT_RETRY, max_attempts: 3 });
    expect(changeRetry(retry, {})).toBe(retry);
  });

  test("jitter comes from the number given", () => {
    expect(decideOutcome(answer(500), situation({ random: 0 }))).toMatchObject({ delayMs: 4_000 });
  });
});

describe("Retry-After", () => {
  const delay = (status: number, value: string | undefined, rest = {}): number => {
    const responseHeaders: Record<string, string> =
      value === undefined ? {} : { "retry-after": value };
    const outcome = decideOutcome(answer(status, { responseHeaders }), situation(rest));
    if (outcome.kind !== "retry") throw new Error(outcome.kind);
    return outcome.delayMs;
  };

  test.each([
    ["120", 120_000],
    ["  120 ", 120_000],
    ["0", 5_000],
    ["3", 5_000],
    ["86400", DAY],
    ["86401", DAY],
    ["99999999999999999999999999", DAY],
    ["Sat, 21 Nov 2026 10:02:00 GMT", 120_000],
    ["Sat, 21 Nov 2026 09:00:00 GMT", 5_000],
    ["Sun, 21 Nov 2027 10:00:00 GMT", DAY],
    // the obsolete forms that RFC 9110 wants understood, both in GMT
    ["Saturday, 21-Nov-26 10:02:00 GMT", 120_000],
    ["Sat Nov 21 10:02:00 2026", 120_000],
  ])("%j of a 503: %i ms", (value, ms) => {
    expect(delay(503, value)).toBe(ms);
    for (const status of [429, 502, 504]) expect(delay(status, value)).toBe(ms);
  });

  test.each([
    undefined,
    "",
    "soon",
    "-60",
    "+60",
    "1.5",
    "60s",
    "60, 120",
    "0x3c",
    "1e3",
    "in 2099",
    "try 2040",
    "2099-01-01",
    "2026-11-21T10:02:00Z",
    "Sat, 99 Nov 2026 10:02:00 GMT",
    "Infinity",
    "NaN",
    "\u0663\u0660",
  ])("%j is no time: the backoff alone", (value) => {
    expect(delay(503, value)).toBe(5_000);
  });

  test.each([500, 501, 505, 404, 301, 408])("of a %i is not heeded", (status) => {
    expect(delay(status, "120")).toBe(5_000);
  });

  test("never shortens the backoff", () => {
    expect(delay(429, "60", { budgetUsed: 5 })).toBe(405_000);
  });
});
