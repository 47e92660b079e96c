import { setTimeout as sleep } from "node:timers/promises";

/** When the requests of an open loop were begun, and the `x-request-id` of each. */
export interface Sent {
  keys: string[];
  /** Milliseconds since the epoch, comparable across processes. */
  ticks: Float64Array;
}

export interface OpenLoop {
  /** Per second. */
  rate: number;
  seconds: number;
  /** Makes the keys differ from those of another loop. */
  label: string;
}

/**
 * Begins request n at n / rate, however long the ones before it take, and waits for all.
 * @throws what `send` throws, at once
 */
export async function openLoop(
  { rate, seconds, label }: OpenLoop,
  send: (n: number, key: string) => Promise<void>,
): Promise<Sent> {
  const count = Math.max(1, Math.round(rate * seconds));
  const sent: Sent = { keys: [], ticks: new Float64Array(count) };
  const pending: Promise<void>[] = [];
  const failed = Promise.withResolvers<never>();
  // it may reject when nobody looks
  failed.promise.catch(() => undefined);
  const start = performance.now();
  for (let n = 0; n < count; n += 1) {
    const wait = start + (n * 1000) / rate - performance.now();
    if (wait > 0) await Promise.race([sleep(wait), failed.promise]);
    const key = `${label}-${n}`;
    sent.keys.push(key);
    sent.ticks[n] = performance.timeOrigin + performance.now();
    pending.push(send(n, key).catch(failed.reject));
  }
  await Promise.race([Promise.all(pending), failed.promise]);
  return sent;
}
