/** Questions to another process whose answers come as messages. */
export interface Questions<Answer> {
  /** Null when no answer comes in time. */
  ask(send: (id: number) => unknown, patienceMs: number): Promise<Answer | null>;
  answered(id: number, answer: Answer): void;
}

export function createQuestions<Answer>(): Questions<Answer> {
  const open = new Map<number, (answer: Answer | null) => void>();
  let asked = 0;
  return {
    async ask(send, patienceMs) {
      asked += 1;
      const id = asked;
      const { promise, resolve } = Promise.withResolvers<Answer | null>();
      const timer = setTimeout(() => resolve(null), patienceMs);
      open.set(id, resolve);
      send(id);
      return await promise.finally(() => {
        clearTimeout(timer);
        open.delete(id);
      });
    },
    answered: (id, answer) => open.get(id)?.(answer),
  };
}
