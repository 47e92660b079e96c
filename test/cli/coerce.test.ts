import { describe, expect, test } from "@jest/globals";
import { coerceField } from "../../src/cli/api/coerce.ts";

const SCHEMA = {
  type: "object",
  properties: {
    ms: { type: "integer" },
    share: { type: "number" },
    fast: { type: "boolean" },
    name: { type: "string" },
    ids: { type: "array", items: { type: "integer" } },
    tags: { type: "array", items: { type: "string" } },
    options: { type: "object" },
    limit: { anyOf: [{ type: "number" }, { type: "null" }] },
    key: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }] },
    level: { enum: [1, 2] },
    anything: {},
  },
};

describe("a field given as text", () => {
  test.each([
    ["ms", "3000", 3000],
    ["ms", "-1", -1],
    ["share", "0.5", 0.5],
    ["fast", "true", true],
    ["fast", "false", false],
    ["name", "42", "42"],
    ["ids", "1,2", [1, 2]],
    ["ids", "[3]", [3]],
    ["tags", "a, b", ["a", "b"]],
    ["options", '{"a":1}', { a: 1 }],
    ["limit", "7", 7],
    ["limit", "null", null],
    ["key", "1,2", "1,2"],
    ["level", "2", 2],
  ])("%s=%s", (field, text, value) => expect(coerceField(text, SCHEMA, field)).toEqual(value));

  test.each([
    ["ms", "soon"],
    ["ms", "0x10"],
    ["ms", ""],
    ["fast", "yes"],
    ["options", "{no json"],
    ["anything", "1"],
    ["unknown", "1"],
    ["constructor", "1"],
  ])("%s=%s stays text", (field, text) => expect(coerceField(text, SCHEMA, field)).toBe(text));

  test("numbers keep all their digits", () => {
    const long = coerceField("12345678901234567890", SCHEMA, "ms");
    expect(JSON.stringify(long)).toBe("12345678901234567890");
  });
});
