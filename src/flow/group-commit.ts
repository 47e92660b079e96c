import { isOutage } from "../core/outage.ts";

/** Commits many small units of work together; each caller is answered after its commit. */
export interface GroupCommit<Item, Answer> {
  add(item: Item): Promise<Answer>;
}

interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * While one group commits the next one gathers, so a group waits no longer than the commit before
 * it takes, and an idle system adds no latency. An item whose group fails is tried alone, so one
 * bad row never fails its neighbours; when the database is away the whole group fails at once.
 * @param commit one transaction for all items; answers in their order
 */
export function createGroupCommit<Item, Answer>(
  commit: (items: Item[]) => Promise<Answer[]>,
  maxItems: number,
): GroupCommit<Item, Answer> {
  const waiting: Waiting<Item, Answer>[] = [];
  let busy = false;

  async function commitGroup(group: Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await commit(group.map(({ item }) => item));
      group.forEach(({ resolve }, index) => resolve(answers[index]!));
    } catch (error) {
      if (group.length === 1 || isOutage(error)) {
        for (const { reject } of group) reject(error);
        return;
      }
      for (const one of group) await commitGroup([one]);
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
        // after the current turn of the event loop, so what arrived together goes together
        setImmediate(() => void drain());
      });
    },
  };
}
