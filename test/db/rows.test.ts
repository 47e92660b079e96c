import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { rowsAs } from "../../src/db/rows.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

let database: TestDatabase;
beforeAll(async () => (database = await createTestDatabase()));
afterAll(() => database.drop());

interface Row {
  id: string;
  n: number | null;
  big: string;
  part: number;
  yes: boolean | null;
  at: Date | null;
  json: unknown;
  note: string | null;
}
const ROWS = rowsAs<Row>("t", {
  id: "uuid",
  n: "int",
  big: "bigint",
  part: "float8",
  yes: "boolean",
  at: "timestamptz",
  json: "jsonb",
  note: "text",
});

async function roundTrip(rows: readonly Row[]): Promise<unknown[]> {
  const text = `select * from ${ROWS.sql}`;
  return (await database.pool.query({ text, values: ROWS.values(rows) })).rows;
}

const NOTES = [
  "",
  "NULL",
  "null",
  " a ",
  "a,b",
  "{}",
  '"',
  "\\",
  '\\"',
  "a\nb\t",
  "é 世界 🎉",
  "'",
  null,
];

test("rows arrive as they were, whatever is in them", async () => {
  const rows = NOTES.map((note, n): Row => ({
    id: `01911a0e-7d20-7abc-b7ad-6b71692033${String(10 + n)}`,
    n: n % 2 === 0 ? n - 3 : null,
    big: "9007199254740993",
    part: n / 3 - 1,
    yes: [true, false, null][n % 3]!,
    at: n % 4 === 0 ? null : new Date(Date.UTC(1 + n * 700, n, 1, 2, 3, 4, 5)),
    json: { note, list: [1, '"', "\\"] },
    note,
  }));
  expect(await roundTrip(rows)).toEqual(rows);
});

test("no rows are none", async () => {
  expect(await roundTrip([])).toEqual([]);
});
