import { describe, expect, test } from "@jest/globals";
import { createClock } from "../../src/core/clock.ts";

const HOUR_MS = 3_600_000;

describe("the clock", () => {
  test("is the machine's until it learns better", () => {
    expect(Math.abs(createClock().now().getTime() - Date.now())).toBeLessThan(1_000);
  });

  test("learns the database's, however far off its machine's is", () => {
    const clock = createClock();
    const answered = performance.now();
    for (const apart of [HOUR_MS, -HOUR_MS]) {
      clock.learn(Date.now() + apart, { asked: answered - 20, answered });
      const learned = clock.now().getTime() - Date.now();
      expect(Math.abs(learned - apart)).toBeLessThan(1_000);
    }
  });

  test("stays as it is when the answer took so long that it tells nothing new", () => {
    const clock = createClock();
    const answered = performance.now();
    const told = clock.now().getTime() - HOUR_MS;
    clock.learn(told, { asked: answered - 2 * HOUR_MS, answered });
    expect(Math.abs(clock.now().getTime() - Date.now())).toBeLessThan(1_000);
  });

  test("does not follow a jump of the machine's", () => {
    const clock = createClock();
    const before = clock.now().getTime();
    const trueNow = Date.now;
    Date.now = () => trueNow() + HOUR_MS;
    try {
      expect(clock.now().getTime() - before).toBeLessThan(60_000);
    } finally {
      Date.now = trueNow;
    }
  });
});
