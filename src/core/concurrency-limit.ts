/** Lets at most `size` pieces of work go on at once; the others wait, in the order they came. */
export function createConcurrencyLimit(size: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let going = 0;

  return async function turn(work) {
    if (going >= size) await new Promise<void>((resolve) => waiting.push(resolve));
    else going += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      // the turn is handed on
      if (next === undefined) going -= 1;
      else next();
    }
  };
}
