import { Problem } from "../core/problem.ts";

const FAILURES = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/**
 * Makes the limit of wrong keys: ten a minute from one address are answered, later ones are put
 * off. A right key never is: behind a proxy all have one address. Each process counts by itself.
 */
export function createSignInLimit(now: () => number): {
  /** Notes a wrong key. @throws Problem sign_in_limited: there were too many */
  failed(address: string): void;
} {
  const failures = new Map<string, number[]>();

  return {
    failed(address) {
      const times = (failures.get(address) ?? []).filter((at) => now() - at < WINDOW_MS);
      if (times.length >= FAILURES) {
        const waitS = Math.ceil((times[0]! + WINDOW_MS - now()) / 1000);
        throw new Problem("sign_in_limited", `The API key is wrong. Try again in ${waitS} s.`, {
          headers: { "retry-after": String(waitS) },
        });
      }
      // a Map keeps the order of insertion: the first address is the one that failed longest ago
      failures.delete(address);
      failures.set(address, [...times, now()]);
      if (failures.size > MAX_ADDRESSES) failures.delete(failures.keys().next().value!);
    },
  };
}
