import { cleanText, errorMessage, toJsonText } from "../../src/compute/json-text.ts";

describe("toJsonText", () => {
  it.each([
    [{ a: [1, null, true, "ü€😀"] }, '{"a":[1,null,true,"ü€😀"]}'],
    [{ a: undefined, at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
    ["\\u0000 \\ud800", '"\\\\u0000 \\\\ud800"'], // backslashes, not escapes
    ["\\\\u0000", '"\\\\\\\\u0000"'],
    ["\u0001\u001f", '"\\u0001\\u001f"'],
  ])("encodes %j", (value, text) => {
    expect(toJsonText(value)).toBe(text);
    expect(JSON.parse(toJsonText(value))).toEqual(JSON.parse(JSON.stringify(value)));
  });

  it.each([
    [undefined, "undefined has no JSON form"],
    [() => 1, "a function has no JSON form"],
    [Symbol("s"), "a symbol has no JSON form"],
    [10n, "BigInt"],
    [["\0"], "NUL character"],
    [["\\\0"], "NUL character"], // after one backslash of the text
    [{ "k\0": 1 }, "NUL character"],
    ["\ud83d", "half of a surrogate pair"],
    ["x\ude00y", "half of a surrogate pair"],
  ])("refuses %p", (value, reason) => {
    expect(() => toJsonText(value)).toThrow(reason);
    expect(() => toJsonText(value)).toThrow(TypeError);
  });
});

it("cleans text for people", () => {
  expect(cleanText("a\0b\ud800c", 100)).toBe("a\ufffdb\ufffdc");
  expect(cleanText("😀😀", 3)).toBe("😀\ufffd");
});

it("finds the message of whatever was thrown", () => {
  expect(errorMessage(new RangeError("r"))).toBe("r");
  expect(errorMessage(new RangeError(""))).toBe("RangeError");
  expect(errorMessage({ message: 5 })).toBe("5");
  expect(errorMessage(null)).toBe("null");
  expect(errorMessage(Object.create(null))).toBe("an unprintable value was thrown");
});
