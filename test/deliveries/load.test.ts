import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createLoad } from "../../src/flow/deliveries/load.ts";

function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("a process is busy while its thread has no pause", async () => {
  const load = createLoad();
  await sleep(200);
  expect(load.isBusy()).toBe(false);
  for (let turn = 0; turn < 4; turn += 1) {
    work(50);
    await sleep(0);
  }
  expect(load.isBusy()).toBe(true);
  await sleep(200);
  expect(load.isBusy()).toBe(false);
});

test("a process that has not worked for a while is taken for busy at first", async () => {
  const load = createLoad();
  await sleep(1_100);
  expect(load.isBusy()).toBe(true);
  await sleep(150);
  expect(load.isBusy()).toBe(false);
});
