import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { newId } from "../../src/core/ids.ts";
import { createVault } from "../../src/core/vault.ts";
import { FIRST_ID, readSealedPage, replaceSealed } from "../../src/db/accounts/sealed.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";

/** Some column with JSON; that of a table with few rows that are easily made. */
const SOME = { table: "endpoints", column: "retry", type: "jsonb" } as const;
const [first, second] = [0, 1].map(() => randomBytes(32).toString("base64")) as [string, string];

let database: TestDatabase;
const accountId = newId();
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`insert into accounts (id, name) values ($1, 'a')`, [accountId]);
});
afterAll(async () => await database?.drop());

async function addEndpoint(json: object): Promise<string> {
  const [id, lane] = [newId(), newId()];
  await database.pool.query(
    `with l as (insert into lanes (id, account_id, origin, ordered) values ($2, $3, $2::uuid::text, false))
     insert into endpoints (id, account_id, lane_id, url, description, events, ordered,
       max_in_flight, timeout_s, retry)
     values ($1, $3, $2, 'https://example.com', '', '{}', false, 1, 1, $4)`,
    [id, lane, accountId, json],
  );
  return id;
}

test("sealed texts within JSON are found page by page and replaced, unless the row changed", async () => {
  const [old, both] = [createVault([first]), createVault([second, first])];
  const keyId = both.keyIds[0]!;
  const headers = [
    { "x-a": "plain", "x-b": old.seal("one"), "x-c": both.seal("two") },
    { "x-a": both.seal("new already") },
    {},
    { "x-b": old.seal('quoted " \\ and ☃') },
  ];
  const ids = [];
  for (const one of headers) ids.push(await addEndpoint(one));

  const found = [];
  for (let after = FIRST_ID; ;) {
    const page = await readSealedPage(database.pool, SOME, { after, keyId, limit: 3 });
    found.push(...page);
    if (page.length < 3) break;
    after = page.at(-1)!.id;
  }
  expect(found.map(({ id, text }) => [id, text !== null])).toEqual([
    [ids[0], true],
    [ids[1], false],
    [ids[2], false],
    [ids[3], true],
  ]);

  const [one, , , four] = found.map(({ id, text }) => ({ id, from: text!, to: "" }));
  const tx = singleStatement(database.pool);
  const change = { ...one!, to: both.reseal(one!.from) };
  expect(await replaceSealed(tx, SOME, change)).toBe(true);
  expect(await replaceSealed(tx, SOME, change)).toBe(false);
  await database.pool.query(`update endpoints set retry = '{}' where id = $1`, [four!.id]);
  const late = { ...four!, to: both.reseal(four!.from) };
  expect(await replaceSealed(tx, SOME, late)).toBe(false);

  const { rows } = await database.pool.query<{ retry: Record<string, string> }>(
    `select retry from endpoints where id = any($1) order by id`,
    [[ids[0], ids[3]]],
  );
  expect(rows[1]!.retry).toEqual({});
  const changed = rows[0]!.retry;
  expect(changed).toEqual({ ...headers[0], "x-b": expect.any(String) });
  expect(createVault([second]).open(changed["x-b"]!)).toBe("one");
});
