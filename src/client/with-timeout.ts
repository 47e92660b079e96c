/** The longest time a timer can count, in ms; longer is for ever. */
const LONGEST_MS = 2 ** 31 - 1;

interface Deadline {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Does what must be over in time: the signal it is given aborts with the outer one, and with `late()`
 * as its reason when the time is over.
 */
export async function withTimeout<T>(
  { timeoutMs = Infinity, signal }: Deadline,
  late: () => Error,
  work: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  if (timeoutMs > LONGEST_MS) return await work(signal);
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(late()), timeoutMs);
  try {
    return await work(signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]));
  } finally {
    clearTimeout(timer);
  }
}
