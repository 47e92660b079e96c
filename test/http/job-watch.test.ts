import { createJobWatch } from "../../src/http/job-watch.ts";
import type { NotificationHandler } from "../../src/db/notifier.ts";

const NEVER = new AbortController().signal;
const job = (id: string) => ({ id, account_id: `account of ${id}` });
const sleep = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

function watchOf(options: { stopping?: AbortSignal } = {}) {
  const finished = new Set<string>();
  const looks: string[][] = [];
  const awaited: string[][] = [];
  const handlers = new Set<NotificationHandler>();
  const watch = createJobWatch({
    ...options,
    notifier: {
      subscribe(topic, handler) {
        expect(topic).toBe("endedJobs");
        handlers.add(handler);
        return () => handlers.delete(handler);
      },
    },
    async awaitEnds(accountIds) {
      awaited.push(accountIds);
      if (finished.has("broken")) throw new Error("the database is away");
    },
    async findFinished(ids) {
      looks.push(ids);
      return ids.filter((id) => finished.has(id));
    },
  });
  return { watch, finished, looks, awaited, handlers };
}

test("a notification ends all waits for a job, without another look", async () => {
  const { watch, looks, awaited, handlers } = watchOf();
  const waits = ["a", "a", "b"].map((id) => watch.wait(job(id), 5_000, NEVER));
  expect(watch.waiting()).toBe(3);
  // one for those that have just begun, and a second one, as their accounts were not awaited before
  await sleep(300);
  expect(looks).toEqual([["a"], ["a", "b"], ["a", "b"]].slice(-looks.length));
  const before = looks.length;
  for (const { notified } of handlers) notified("x a b");
  expect(await Promise.all(waits)).toEqual(["finished", "finished", "finished"]);
  expect(looks).toHaveLength(before);
  expect(new Set(awaited.flat())).toEqual(new Set(["account of a", "account of b"]));
  await sleep(10);
  expect(handlers.size).toBe(0);
  expect(watch.waiting()).toBe(0);
});

test("a job that ended before its wait began is found at once", async () => {
  const { watch, finished, awaited } = watchOf();
  finished.add("a");
  const began = performance.now();
  expect(await watch.wait(job("a"), 5_000, NEVER)).toBe("finished");
  expect(await watch.wait(job("a"), 5_000, NEVER)).toBe("finished");
  expect(performance.now() - began).toBeLessThan(500);
  expect(awaited).toEqual([["account of a"]]);
});

test("without a notification an end is found within a second, and as soon as some were missed", async () => {
  const { watch, finished, handlers } = watchOf();
  const lost = watch.wait(job("a"), 5_000, NEVER);
  await sleep(200);
  finished.add("a");
  expect(await lost).toBe("finished");
  const missed = watch.wait(job("b"), 5_000, NEVER);
  await sleep(200);
  finished.add("b");
  const began = performance.now();
  for (const handler of handlers) handler.missed();
  expect(await missed).toBe("finished");
  expect(performance.now() - began).toBeLessThan(500);
});

test("a wait ends with its time, its client, or the server", async () => {
  const stopping = new AbortController();
  const gone = new AbortController();
  const { watch } = watchOf({ stopping: stopping.signal });
  expect(await watch.wait(job("a"), 10, NEVER)).toBe("timeout");
  const left = watch.wait(job("a"), 5_000, gone.signal);
  const stopped = watch.wait(job("a"), 5_000, NEVER);
  gone.abort();
  expect(await left).toBe("gone");
  expect(watch.waiting()).toBe(1);
  stopping.abort();
  expect(await stopped).toBe("gone");
  expect(await watch.wait(job("a"), 5_000, NEVER)).toBe("gone");
  expect(watch.waiting()).toBe(0);
});

test("a database that is away for a moment is waited for", async () => {
  const { watch, finished, awaited } = watchOf();
  finished.add("broken");
  const wait = watch.wait(job("a"), 10_000, NEVER);
  while (awaited.length < 2) await sleep(5);
  finished.delete("broken");
  finished.add("a");
  expect(await wait).toBe("finished");
});
