import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "@jest/globals";
import { createSlots } from "../../src/core/slots.ts";

describe("slots", () => {
  test("gives as many as there are, then makes wait", async () => {
    const slots = createSlots(() => 2);
    const first = await slots.take(0);
    const second = await slots.take(0);
    expect([typeof first, typeof second]).toEqual(["function", "function"]);
    expect(await slots.take(5)).toBeNull();
    first!();
    expect(await slots.take(0)).not.toBeNull();
    expect(await slots.take(5)).toBeNull();
  });

  test("a freed slot goes to whoever waits longest", async () => {
    const slots = createSlots(() => 1);
    const release = await slots.take(0);
    const order: string[] = [];
    const wait = async (name: string): Promise<void> => {
      const mine = await slots.take(10_000);
      order.push(name);
      mine!();
    };
    const all = [wait("a"), wait("b"), wait("c")];
    release!();
    await Promise.all(all);
    expect(order).toEqual(["a", "b", "c"]);
  });

  test("freeing twice frees one", async () => {
    const slots = createSlots(() => 1);
    const release = await slots.take(0);
    release!();
    release!();
    expect(await slots.take(0)).not.toBeNull();
    expect(await slots.take(5)).toBeNull();
  });

  test("one that gave up takes no slot with it", async () => {
    const slots = createSlots(() => 1);
    const release = await slots.take(0);
    expect(await slots.take(5)).toBeNull();
    release!();
    expect(await slots.take(0)).not.toBeNull();
  });

  test("a waiter that was given its slot keeps it past its time", async () => {
    const slots = createSlots(() => 1);
    const release = await slots.take(0);
    const waiting = slots.take(20);
    release!();
    const mine = await waiting;
    await sleep(40);
    expect(mine).not.toBeNull();
    expect(await slots.take(5)).toBeNull();
    mine!();
    expect(await slots.take(0)).not.toBeNull();
  });

  test("more slots serve those who wait at the next release, fewer are held back", async () => {
    let size = 1;
    const slots = createSlots(() => size);
    const first = await slots.take(0);
    const waiting = [slots.take(10_000), slots.take(10_000), slots.take(10_000)];
    size = 3;
    first!();
    const three = await Promise.all(waiting);
    expect(three).not.toContain(null);
    size = 1;
    three[0]!();
    three[1]!();
    expect(await slots.take(5)).toBeNull();
    three[2]!();
    expect(await slots.take(5)).not.toBeNull();
  });

  test("never more holders than slots, however they come and go", async () => {
    const slots = createSlots(() => 3);
    let held = 0;
    let most = 0;
    let refused = 0;
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        await sleep(n % 7);
        const release = await slots.take(n % 3 === 0 ? 1 : 5_000);
        if (release === null) return (refused += 1);
        most = Math.max(most, ++held);
        await sleep(n % 2);
        held -= 1;
        release();
        if (n % 5 === 0) release();
        return 0;
      }),
    );
    expect(most).toBe(3);
    expect(held).toBe(0);
    expect(refused).toBeLessThanOrEqual(67);
    expect(await Promise.all([1, 2, 3, 4].map(() => slots.take(5)))).toMatchObject([
      expect.any(Function),
      expect.any(Function),
      expect.any(Function),
      null,
    ]);
  });
});
