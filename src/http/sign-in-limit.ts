import { Problem } from "../core/problem.ts";

const FAILURES = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Ten failed sign-ins a minute from one address are enough. Kept by each process for itself. */
export function createSignInLimit(now: () => number): {
  /** @throws Problem sign_in_limited */
  check(address: string): void;
  failed(address: string): void;
} {
  const failures = new Map<string, number[]>();
  const recent = (address: string): number[] =>
    (failures.get(address) ?? []).filter((at) => now() - at < WINDOW_MS);

  return {
    check(address) {
      const times = recent(address);
      if (times.length < FAILURES) return;
      const waitS = Math.ceil((times[0]! + WINDOW_MS - now()) / 1000);
      throw new Problem("sign_in_limited", `Try again in ${waitS} s.`, {
        headers: { "retry-after": String(waitS) },
      });
    },
    failed(address) {
      const times = recent(address);
      // a Map keeps the order of insertion: the first is the one that failed longest ago
      failures.delete(address);
      failures.set(address, [...times, now()]);
      if (failures.size > MAX_ADDRESSES) failures.delete(failures.keys().next().value!);
    },
  };
}
