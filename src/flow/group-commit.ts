import { isOutage } from "../core/outage.ts";
import { createConcurrencyLimit } from "../core/concurrency-limit.ts";

/** Commits many small units of work together; each caller is answered after its commit. */
export interface GroupCommit<Item, Answer> {
  add(item: Item): Promise<Answer>;
}

interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** The number of items of a failed group that are tried at once, each by itself. */
const ALONE_AT_ONCE = 4;
/** Time for which a group waits for a lock before its items are tried each by itself. */
const GROUP_LOCK_WAIT_MS = 1_000;
/** First and longest time that a single item waits for a lock; between, others have turns. */
const FIRST_LOCK_WAIT_MS = 100;
const LONGEST_LOCK_WAIT_MS = 8_000;

/**
 * While one group commits the next one gathers, so a group waits no longer than the commit before
 * it takes, and an idle system adds no latency. An item whose group fails is tried alone, so one
 * bad row, or a row that is locked for long, neither fails its neighbours nor delays later items;
 * when the database is away the whole group fails at once.
 * @param commit one transaction; answers in the order of the items. It may answer only the first of
 *   them, at least one: the others begin the next group. A commit that waits longer than
 *   `lockWaitMs` for a lock must fail (SQLSTATE 55P03), or may wait when it locks nothing.
 */
export function createGroupCommit<Item, Answer>(
  commit: (items: Item[], lockWaitMs: number) => Promise<Answer[]>,
  maxItems: number,
): GroupCommit<Item, Answer> {
  const waiting: Waiting<Item, Answer>[] = [];
  const alone = createConcurrencyLimit(ALONE_AT_ONCE);
  let busy = false;

  async function commitGroup(group: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const items = group.map(({ item }) => item);
      const answers = await commit(items, GROUP_LOCK_WAIT_MS);
      const rest = group.splice(answers.length);
      waiting.unshift(...rest);
      group.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      const bad = group.length === 1 && !isLockTimeout(error);
      if (bad || isOutage(error)) return group.forEach(({ reject }) => reject(error));
      for (const one of group) void alone(() => commitOne(one, FIRST_LOCK_WAIT_MS));
    }
  }

  async function commitOne(one: Waiting<Item, Answer>, lockWaitMs: number): Promise<void> {
    try {
      const [answer] = await commit([one.item], lockWaitMs);
      one.resolve(answer!);
    } catch (error) {
      if (!isLockTimeout(error)) return one.reject(error);
      void alone(() => commitOne(one, Math.min(2 * lockWaitMs, LONGEST_LOCK_WAIT_MS)));
    }
  }

  async function drain(): Promise<void> {
    while (waiting.length > 0) await commitGroup(waiting.splice(0, maxItems));
    busy = false;
  }

  return {
    add(item) {
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject });
        if (busy) return;
        busy = true;
        // after the current turn of the event loop, so items that arrive together go together
        setImmediate(() => void drain());
      });
    },
  };
}

/** The first items whose sizes stay within the limit together; at least one. */
export function firstWithin<Item>(
  items: readonly Item[],
  limit: number,
  sizeOf: (item: Item) => number,
): Item[] {
  let size = 0;
  const end = items.findIndex((item, index) => (size += sizeOf(item)) > limit && index > 0);
  return end === -1 ? [...items] : items.slice(0, end);
}

function isLockTimeout(error: unknown): boolean {
  return (error as { code?: unknown }).code === "55P03";
}
