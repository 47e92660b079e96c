import { randomUUID } from "node:crypto";
import { expect, test } from "@jest/globals";
import { TypeID } from "typeid-js";
import { createIdMaker, formatId, idTime, newId, parseId } from "../../src/core/ids.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("new ids are UUIDv7 of now, all different, each after the one before", () => {
  const ids = Array.from({ length: 50_000 }, newId);
  expect(ids.filter((id) => !UUID_V7.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort()).toEqual(ids);
  expect(Math.abs(idTime(ids[0]!) - Date.now())).toBeLessThan(5_000);
});

test("ids are in order also when the clock stands still for more of them than a millisecond has", () => {
  let msecs = 1_000;
  const make = createIdMaker(() => msecs, 16);
  const ids = Array.from({ length: 200 }, make);
  msecs = 10;
  ids.push(...Array.from({ length: 200 }, make));
  expect([...ids].sort()).toEqual(ids);
  expect(new Set(ids).size).toBe(400);
  expect(ids.filter((id) => !UUID_V7.test(id))).toEqual([]);
  expect(idTime(ids.at(-1)!)).toBeLessThan(1_060);
});

test("the random part of ids differs, also between those of one millisecond", () => {
  const ends = Array.from({ length: 10_000 }, () => newId().slice(24));
  expect(new Set(ends).size).toBe(ends.length);
});

test("ids are shown as TypeIDs, as the reference implementation does", () => {
  const zero = "00000000-0000-0000-0000-000000000000";
  const all = "ffffffff-ffff-ffff-ffff-ffffffffffff";
  const some = Array.from({ length: 2_000 }, () => [randomUUID(), newId()]).flat();
  for (const uuid of [zero, all, ...some]) {
    const shown = formatId("job", uuid);
    expect(shown).toBe(TypeID.fromUUID("job", uuid).toString());
    expect(parseId("job", shown)).toBe(uuid);
  }
});
