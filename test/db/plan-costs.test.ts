import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createPool } from "../../src/db/pool.ts";
import { createTestContext } from "../support/context.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { noteFigure } from "../support/figures.ts";
import { askedForJobs } from "../support/hot-statements.ts";

/** `jit_above_cost` by default: a plan that seems to cost more is compiled, where JIT is on. */
const JIT_ABOVE_COST = 100_000;
/** Look through a table now and then: the audit all lanes, the queue its entries that are locked. */
const SWEEPS = /^select id, epoch from lanes where leased_by = \$1$|where locked_at < /;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  // with the weeks that a process makes
  await (await createTestContext({ database })).stop();
});
afterAll(async () => await database?.drop());

interface Explained {
  "QUERY PLAN": [{ Plan: { "Total Cost": number } }];
}

// Until PostgreSQL 17 a scan that is switched off and yet the only one adds 1e10 to a plan's cost.
// Beside that the planner can't tell the rest of the plan's parts apart.
test.each(["new tables", "empty tables that were vacuumed"])(
  "no hot statement needs a scan that is switched off: %s",
  async (state) => {
    if (state !== "new tables") await database.pool.query("vacuum analyze");
    const asked = (await askedForJobs()).filter(({ text }) => !SWEEPS.test(text));
    expect(asked.length).toBeGreaterThan(30);
    const options = { connectionString: database.url, max: 1, name: "test" };
    const pool = createPool({ ...options, onError: () => undefined });
    try {
      const costs: Record<string, number> = {};
      for (const [n, { text, values }] of asked.entries()) {
        await pool.query(`prepare s${n} as ${text}`);
        const nothing = values.length === 0 ? "" : `(${values.map(() => "null").join(", ")})`;
        const { rows } = await pool.query<Explained>(
          `explain (format json) execute s${n}${nothing}`,
        );
        costs[text] = rows[0]!["QUERY PLAN"][0].Plan["Total Cost"];
      }
      const [[text, most] = ["none", 0]] = Object.entries(costs).toSorted((a, b) => b[1] - a[1]);
      const shown = text.replace(/\s+/g, " ").slice(0, 60);
      noteFigure(
        `costliest hot plan, ${state}: ${Math.round(most)} of ${JIT_ABOVE_COST}, ${shown}…`,
      );
      expect(Object.entries(costs).filter(([, cost]) => cost >= JIT_ABOVE_COST)).toEqual([]);
    } finally {
      await pool.end();
    }
  },
);
