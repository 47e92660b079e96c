import { newId } from "../../src/core/ids.ts";
import { pairHash, pairsOf, searchKeysOf, valueHashes } from "../../src/core/search-keys.ts";

const row = {
  id: newId(),
  account_id: newId(),
  metadata: "{}",
  request_id: newId(),
  created_at: new Date(),
};

test("nothing is stored for what its time leads to", () => {
  expect(searchKeysOf(row)).toEqual([]);
});

test.each([
  ["a caller's", "req-1"],
  ["one of another version", "4b0c2c6e-9a51-4c0e-8a43-0d4b2f0a1c11"],
  ["one of an hour ago", newId().replace(/^..../, "0123")],
])("%s request id has a key", (_, request_id) => {
  expect(searchKeysOf({ ...row, request_id })).toHaveLength(1);
});

test("the hash of a pair lies within those of its value, whatever the value", () => {
  const account = newId();
  for (let n = 0; n < 2_000; n += 1) {
    const hash = BigInt(pairHash(account, `name${n % 7}`, `value ${n}`));
    const { from, to } = valueHashes(account, `value ${n}`);
    expect(hash >= BigInt(from) && hash <= BigInt(to)).toBe(true);
    expect(hash >= -(2n ** 63n) && hash < 2n ** 63n).toBe(true);
  }
  expect(pairHash(account, "a", "x")).not.toBe(pairHash(newId(), "a", "x"));
});

test("pairs are texts, numbers and booleans, as they are written", () => {
  const metadata = `{"a":"\\u0041","n":1.50,"t":true,"o":{"x":1},"l":[1],"z":null,"e":"","q":"x\\"y"}`;
  expect(pairsOf(metadata)).toEqual([
    ["a", "A"],
    ["n", "1.50"],
    ["t", "true"],
    ["q", 'x"y'],
  ]);
  expect(pairsOf(`{"long":"${"x".repeat(201)}"}`)).toEqual([]);
});
