import { describe, expect, test } from "@jest/globals";
import { createGroupCommit, firstWithin } from "../../src/flow/group-commit.ts";

const OUTAGE = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

/** A commit that records its groups and waits until it is let go. */
function heldCommit() {
  const groups: number[][] = [];
  const held: (() => void)[] = [];
  const commit = async (items: number[]): Promise<number[]> => {
    groups.push(items);
    await new Promise<void>((resolve) => held.push(resolve));
    return items.map((n) => n * 10);
  };
  return { groups, commit, letGo: () => held.shift()?.() };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

describe("group commit", () => {
  test("what arrives in one turn goes together; what arrives during a commit goes next", async () => {
    const { groups, commit, letGo } = heldCommit();
    const group = createGroupCommit(commit, 100);
    const first = [group.add(1), group.add(2)];
    await turn();
    const second = [group.add(3), group.add(4), group.add(5)];
    await turn();
    expect(groups).toEqual([[1, 2]]);
    letGo();
    expect(await Promise.all(first)).toEqual([10, 20]);
    await turn();
    expect(groups).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    letGo();
    expect(await Promise.all(second)).toEqual([30, 40, 50]);
  });

  test("nobody is answered before the commit", async () => {
    const { commit, letGo } = heldCommit();
    const group = createGroupCommit(commit, 100);
    let answered = false;
    const answer = group.add(1).then(() => (answered = true));
    await turn();
    await turn();
    expect(answered).toBe(false);
    letGo();
    await answer;
  });

  test("an idle system commits at once, and again after a pause", async () => {
    const sizes: number[] = [];
    const group = createGroupCommit(async (items: number[]) => {
      sizes.push(items.length);
      return items;
    }, 100);
    for (let n = 0; n < 50; n++) expect(await group.add(n)).toBe(n);
    expect(sizes).toEqual(Array.from({ length: 50 }, () => 1));
  });

  test("a group is no larger than allowed, and none is left behind", async () => {
    const sizes: number[] = [];
    const group = createGroupCommit(async (items: number[]) => {
      sizes.push(items.length);
      return items.map(String);
    }, 7);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => group.add(n)));
    expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => String(n)));
    expect(Math.max(...sizes)).toBe(7);
    expect(sizes.reduce((a, b) => a + b)).toBe(50);
  });

  test("a commit may take only the first; the others go first in the next", async () => {
    const groups: number[][] = [];
    const group = createGroupCommit(async (items: number[]) => {
      const taken = firstWithin(items, 10, (n) => n);
      groups.push(taken);
      return taken.map(String);
    }, 100);
    const numbers = [4, 4, 4, 25, 1, 9, 1];
    expect(await Promise.all(numbers.map((n) => group.add(n)))).toEqual(numbers.map(String));
    expect(groups).toEqual([[4, 4], [4], [25], [1, 9], [1]]);
  });

  test("one bad item fails alone", async () => {
    const committed: number[] = [];
    const group = createGroupCommit(async (items: number[]) => {
      if (items.includes(3)) throw new Error("3 is bad");
      committed.push(...items);
      return items;
    }, 100);
    const answers = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => group.add(n)));
    expect(answers.map(({ status }) => status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
      "fulfilled",
    ]);
    expect(committed.toSorted((a, b) => a - b)).toEqual([1, 2, 4, 5]);
    expect(await group.add(6)).toBe(6);
  });

  test("when the database is away all fail at once, none is tried alone, and work goes on after", async () => {
    let away = true;
    let calls = 0;
    const group = createGroupCommit(async (items: number[]) => {
      calls += 1;
      if (away) throw OUTAGE;
      return items;
    }, 100);
    const answers = await Promise.allSettled([1, 2, 3].map((n) => group.add(n)));
    expect(answers.every(({ status }) => status === "rejected")).toBe(true);
    expect(calls).toBe(1);
    away = false;
    expect(await group.add(4)).toBe(4);
  });

  test("an item that takes long by itself holds up neither its group nor the next", async () => {
    let letGo: () => void = () => undefined;
    const group = createGroupCommit(async (items: number[]) => {
      if (items.length > 1 && items.includes(1)) throw new Error("canceled due to lock timeout");
      if (items.includes(1)) await new Promise<void>((resolve) => (letGo = resolve));
      return items;
    }, 100);
    const slow = group.add(1);
    expect(await Promise.all([group.add(2), group.add(3)])).toEqual([2, 3]);
    expect(await group.add(4)).toBe(4);
    letGo();
    expect(await slow).toBe(1);
  });

  test("many that wait for a lock take turns with the others, and are committed when it is free", async () => {
    let locked = true;
    const waits: number[] = [];
    const group = createGroupCommit(async (items: number[], lockWaitMs) => {
      if (!locked || items.every((n) => n > 10)) return items;
      waits.push(lockWaitMs);
      await new Promise((resolve) => setTimeout(resolve, 1));
      throw Object.assign(new Error("lock timeout"), { code: "55P03" });
    }, 100);
    const held = Array.from({ length: 10 }, (_, n) => group.add(n + 1));
    const free = Array.from({ length: 10 }, (_, n) => group.add(n + 11));
    expect(await Promise.all(free)).toHaveLength(10);
    locked = false;
    expect(await Promise.all(held)).toHaveLength(10);
    // the group's, then each by itself and for longer each time
    expect(waits[0]).toBeGreaterThan(waits[1]!);
    expect(waits.length).toBeGreaterThan(10);
  });
});
