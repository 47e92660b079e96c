import { setTimeout as sleep } from "node:timers/promises";

const LOOK_EVERY_MS = 100;
const PATIENCE_MS = 30_000;

/**
 * Looks again and again until there is something.
 * @throws Error that names what did not come
 */
export async function waitFor<T>(
  what: string,
  signal: AbortSignal,
  look: () => Promise<T | null>,
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const found = await look();
    if (found !== null) return found;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
  throw new Error(`the demo waited ${PATIENCE_MS / 1000} s for ${what}, in vain`);
}
