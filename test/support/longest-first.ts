/**
 * Files that take long, the longest first: one that begins last keeps all others waiting. Without
 * this, jest has only their sizes to go by on a fresh checkout.
 */
const LONG = [
  "/faults/",
  "/console/",
  "/protocol/",
  "/package/",
  "/cli/",
  "/server/",
  "/maintenance/",
  "/deliveries/",
];

interface TestFile {
  path: string;
}

export default class LongestFirst {
  sort<T extends TestFile>(tests: readonly T[]): T[] {
    const rank = ({ path }: TestFile): number => {
      const place = LONG.findIndex((part) => path.includes(part));
      return place === -1 ? LONG.length : place;
    };
    return [...tests].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  }

  allFailedTests<T extends TestFile>(tests: readonly T[]): T[] {
    return [...tests];
  }

  cacheResults(): void {
    // the order is always the same
  }
}
