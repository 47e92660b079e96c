import { describe, expect, test } from "@jest/globals";
import { afterAttempt, breakerState, CLOSED, disableAt } from "../../src/core/breaker.ts";
import type { Breaker } from "../../src/core/breaker.ts";

const T = 1_700_000_000_000;

/** `count` failures, one per millisecond. */
function fail(breaker: Breaker, count: number, from: number): Breaker {
  let now = from;
  for (let n = 0; n < count; n++) breaker = afterAttempt(breaker, `failure ${n + 1}`, now++);
  return breaker;
}

describe("the breaker", () => {
  test("stays closed for nine failures and opens with the tenth, for 10 s", () => {
    const nine = fail(CLOSED, 9, T);
    expect(nine).toEqual({ ...CLOSED, failures: 9, failedSince: T });
    expect(breakerState(nine, T + 9)).toBe("closed");
    const ten = afterAttempt(nine, "HTTP 500", T);
    expect(ten).toMatchObject({ failures: 10, opens: 1, until: T + 10_000, reason: "HTTP 500" });
  });

  test("a success between starts the count anew", () => {
    const after = fail(afterAttempt(fail(CLOSED, 9, T), null, T), 9, T);
    expect(after).toMatchObject({ failures: 9, until: null });
  });

  test.each([
    [-1, "open"],
    [9_999 - 10_000, "open"],
    [0, "half_open"],
    [1, "half_open"],
    [86_400_000, "half_open"],
  ])("%i ms from its end it is %s", (ms, state) => {
    expect(breakerState({ until: T }, T + ms)).toBe(state);
  });

  test("each failed probe doubles the time, up to 10 min", () => {
    let breaker = fail(CLOSED, 10, T);
    const seconds: number[] = [];
    let now = T;
    for (let n = 0; n < 12; n++) {
      now = breaker.until!;
      breaker = afterAttempt(breaker, "HTTP 503", now);
      seconds.push((breaker.until! - now) / 1000);
    }
    expect(seconds).toEqual([20, 40, 80, 160, 320, 600, 600, 600, 600, 600, 600, 600]);
    expect(breaker).toMatchObject({ failures: 22, opens: 13, reason: "HTTP 503" });
  });

  test("a successful probe closes it, and the next opening lasts 10 s again", () => {
    const open = afterAttempt(fail(CLOSED, 10, T), "x", T + 10_009);
    expect(open.opens).toBe(2);
    const closed = afterAttempt(open, null, open.until!);
    expect(closed).toEqual(CLOSED);
    expect(fail(closed, 10, T).until).toBe(T + 9 + 10_000);
  });

  test("what was in flight when it opened counts, but prolongs nothing", () => {
    const open = fail(CLOSED, 10, T);
    const later = fail(open, 30, T + 20);
    expect(later).toEqual({ ...open, failures: 40 });
  });

  test("a success that was in flight closes it", () => {
    expect(afterAttempt(fail(CLOSED, 10, T), null, T + 20)).toEqual(CLOSED);
  });

  test("changes no breaker in place", () => {
    const open = Object.freeze(fail(CLOSED, 10, T));
    expect(() => fail(open, 2, T + 10_000)).not.toThrow();
    expect(CLOSED).toMatchObject({ failures: 0, opens: 0, until: null, failedSince: null });
  });
});

describe("a failing receiver", () => {
  const MIN = 60_000;

  test("is one that failed ten times in a row, and for five minutes", () => {
    expect(fail(CLOSED, 30, T).failingSince).toBeNull();
    const nine = fail(CLOSED, 9, T);
    const early = afterAttempt(nine, "x", T + 5 * MIN - 1);
    expect(early).toMatchObject({ failures: 10, failedSince: T, failingSince: null });
    const tenth = afterAttempt(nine, "x", T + 5 * MIN);
    expect(tenth).toMatchObject({ failedSince: T, failingSince: T + 5 * MIN });
    // nine failures make none, however long they take
    expect(afterAttempt(fail(CLOSED, 8, T), "x", T + 600 * MIN).failingSince).toBeNull();
    // it is failing since then, whatever comes but a success
    expect(afterAttempt(tenth, "x", T + 60 * MIN).failingSince).toBe(T + 5 * MIN);
    expect(afterAttempt(tenth, null, T + 60 * MIN)).toEqual(CLOSED);
  });

  test("is disabled so long after its first failure, if at all", () => {
    const failing = afterAttempt(fail(CLOSED, 9, T), "x", T + 5 * MIN);
    expect(disableAt(failing, 43_200)).toBe(T + 43_200_000);
    expect(disableAt(failing, null)).toBeNull();
    expect(disableAt(fail(CLOSED, 30, T), 43_200)).toBeNull();
    expect(disableAt(CLOSED, 43_200)).toBeNull();
  });
});
