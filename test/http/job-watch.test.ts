import { createJobWatch } from "../../src/http/job-watch.ts";

const NEVER = new AbortController().signal;

function watchOf(options: { stopping?: AbortSignal } = {}) {
  const finished = new Set<string>();
  const rounds: string[][] = [];
  const watch = createJobWatch({
    intervalMs: 5,
    ...options,
    async findFinished(ids) {
      rounds.push(ids);
      if (finished.has("broken")) throw new Error("the database is away");
      return ids.filter((id) => finished.has(id));
    },
  });
  return { watch, finished, rounds };
}

test("all who wait for a job are told, by one query per round", async () => {
  const { watch, finished, rounds } = watchOf();
  const waits = ["a", "a", "b"].map((id) => watch.wait(id, 5_000, NEVER));
  expect(watch.waiting()).toBe(3);
  await new Promise((resolve) => setTimeout(resolve, 30));
  finished.add("a").add("b");
  expect(await Promise.all(waits)).toEqual(["finished", "finished", "finished"]);
  expect(watch.waiting()).toBe(0);
  expect(rounds[0]).toEqual(["a", "b"]);
  const count = rounds.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(rounds).toHaveLength(count);
  finished.clear();
  expect(await watch.wait("a", 20, NEVER)).toBe("timeout");
  expect(rounds.length).toBeGreaterThan(count);
});

test("a wait ends with its time, its client, or the server", async () => {
  const stopping = new AbortController();
  const gone = new AbortController();
  const { watch } = watchOf({ stopping: stopping.signal });
  expect(await watch.wait("a", 10, NEVER)).toBe("timeout");
  const left = watch.wait("a", 5_000, gone.signal);
  const stopped = watch.wait("a", 5_000, NEVER);
  gone.abort();
  expect(await left).toBe("gone");
  expect(watch.waiting()).toBe(1);
  stopping.abort();
  expect(await stopped).toBe("gone");
  expect(await watch.wait("a", 5_000, NEVER)).toBe("gone");
  expect(watch.waiting()).toBe(0);
});

test("a database that is away for a moment is waited for", async () => {
  const { watch, finished, rounds } = watchOf();
  finished.add("broken");
  const wait = watch.wait("a", 5_000, NEVER);
  while (rounds.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  finished.delete("broken");
  finished.add("a");
  expect(await wait).toBe("finished");
});
