import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Failpoint } from "../../src/core/failpoint.ts";
import { killAt } from "./kill-scenario.ts";
import type { KillCase } from "./kill-scenario.ts";

/** Every point, and what must be going on for a process to get there. */
const CASES: Record<Failpoint, KillCase> = {
  "submit:before-commit": { nth: 2 },
  "submit:committed": { nth: 3 },
  "publish:before-commit": { nth: 2, work: "publication" },
  "publish:committed": { nth: 3, work: "publication" },
  "claim:committed": { nth: 2 },
  computed: { nth: 2 },
  "finish:before-commit": { nth: 2 },
  "finish:committed": { nth: 2 },
  "hand-back:committed": { nth: 1, work: "failing" },
  "lane:leased": { nth: 1 },
  "lane:read": { nth: 2 },
  "attempt:sent": { nth: 3 },
  "attempt:settled": { nth: 3 },
  "lane:before-leave": { nth: 1 },
  "lane:left": { nth: 1 },
  "replay:before-commit": { nth: 2, work: "replay" },
  "replay:step-committed": { nth: 2, work: "replay" },
  "recovery:before-commit": { nth: 1, work: "recovery" },
  "recovery:committed": { nth: 1, work: "recovery" },
  "migrate:between": { nth: 1, work: "migration" },
};
/** At once: they compute while they start, and mostly wait for a recovery afterwards. */
const LANES = 5;

describe("killed at every step", () => {
  let folder: string;
  const results = new Map<string, Promise<string[]>>();

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "ringback-kill-"));
    const waiting = Object.entries(CASES);
    const starters = new Map(waiting.map(([point]) => [point, Promise.withResolvers<string[]>()]));
    for (const [point, { promise }] of starters) {
      promise.catch(() => undefined);
      results.set(point, promise);
    }
    async function work(): Promise<void> {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [point, one] = next;
        const { resolve, reject } = starters.get(point)!;
        await killAt(point as Failpoint, one, folder).then(resolve, reject);
      }
    }
    for (let i = 0; i < LANES; i++) void work();
  });
  afterAll(async () => {
    await Promise.allSettled(results.values());
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(Object.keys(CASES))(
    "%s",
    async (point) => {
      expect(await results.get(point)).toEqual([]);
    },
    120_000,
  );
});
