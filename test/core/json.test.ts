import { MAX_JSON_DEPTH, parseJson } from "../../src/core/json.ts";
import { Problem } from "../../src/core/problem.ts";

function bytes(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

function refusal(input: string | Uint8Array): { code: string; pointer: string | undefined } {
  try {
    parseJson(typeof input === "string" ? bytes(input) : input);
  } catch (error) {
    if (error instanceof Problem) {
      return { code: error.code, pointer: error.errors[0]?.pointer };
    }
    throw error;
  }
  throw new Error("was accepted");
}

describe("what is accepted", () => {
  test.each([
    ['{"a":[1,2.5,-3e2,true,null,"ü😀"]}', { a: [1, 2.5, -300, true, null, "ü😀"] }],
    [' "text" ', "text"],
    ["\ufeff{}", {}],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"quote\\"[[[[":"]]]\\\\"}', { 'quote"[[[[': "]]]\\" }],
    ['"\\ud83d\\ude00"', "😀"],
    ['{"constructor":{"name":"x"},"prototype":1}', { constructor: { name: "x" }, prototype: 1 }],
  ])("%s", (text, value) => {
    expect(parseJson(bytes(text)).value).toEqual(value);
  });

  test("nesting up to the limit", () => {
    const text = "[".repeat(MAX_JSON_DEPTH) + "]".repeat(MAX_JSON_DEPTH);
    expect(JSON.stringify(parseJson(bytes(text)).value)).toBe(text);
  });

  test("brackets in strings and in a row are not nesting", () => {
    const text = JSON.stringify([...Array(500).keys()].map((n) => [`[[[[${n}`, {}]));
    expect(parseJson(bytes(text)).value).toHaveLength(500);
  });
});

describe("what is refused", () => {
  test.each([
    ["", "body_not_json"],
    ["  \n", "body_not_json"],
    ["{", "body_not_json"],
    ["{'a':1}", "body_not_json"],
    ["[1,]", "body_not_json"],
    ["NaN", "body_not_json"],
    ["]]]]", "body_not_json"],
  ])("%j is not JSON", (text, code) => {
    expect(refusal(text).code).toBe(code);
  });

  test("invalid UTF-8", () => {
    expect(refusal(Uint8Array.of(0x22, 0xc3, 0x28, 0x22)).code).toBe("body_not_json");
    // A surrogate written as UTF-8 (CESU-8).
    expect(refusal(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)).code).toBe("body_not_json");
  });

  test.each([MAX_JSON_DEPTH + 1, 10_000, 500_000])("%i levels", (depth) => {
    expect(refusal("[".repeat(depth) + "]".repeat(depth)).code).toBe("body_too_deep");
    expect(refusal('{"a":'.repeat(depth)).code).toBe("body_too_deep");
  });

  test.each([
    ['{"a":["x","\\u0000"]}', "/a/1"],
    ['"\\u0000"', ""],
    ['{"a":{"b\\u0000c":1}}', "/a"],
    ['{"x/y~z":"\\ud800"}', "/x~1y~0z"],
    ['["\\udc00\\ud800"]', "/0"],
    ['[{"\\ud800":1}]', "/0"],
  ])("%s holds text that can't be stored", (text, pointer) => {
    expect(refusal(text)).toEqual({ code: "body_forbidden_text", pointer });
  });

  test.each([
    ['{"__proto__":{"admin":true}}', "/__proto__"],
    ['[{"a":{"\\u005f_proto__":1}}]', "/0/a/__proto__"],
    ['{"constructor":{"prototype":{}}}', "/constructor/prototype"],
  ])("%s reaches for a prototype", (text, pointer) => {
    expect(refusal(text)).toEqual({ code: "body_forbidden_key", pointer });
  });

  test("numbers beyond a double", () => {
    expect(refusal('{"n":[1e308,-1e309]}')).toEqual({ code: "body_not_json", pointer: "/n/1" });
  });

  test("the detail does not quote the body", () => {
    expect.assertions(1);
    try {
      parseJson(bytes('{"password": hunter2}'));
    } catch (error) {
      expect(String(error)).not.toContain("hunter2");
    }
  });
});
