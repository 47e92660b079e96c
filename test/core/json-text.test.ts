import { parseJson } from "../../src/core/json.ts";
import { exactNumber, layOutJson, memberTexts, parseExactly } from "../../src/core/json-text.ts";
import { createRandomJson } from "../support/random-json.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text, "utf8");

describe("the text of what was posted", () => {
  test.each([
    ['{"id":12345678901234567890,"f":1.0,"e":1e2,"neg":-0}'],
    ["[0.1000000000000000055511151231257827,-1E+40]"],
    ['{"z":1,"2":"two","1":"one"}'],
    ['"\\u0041\\/\\ud83d\\ude00"'],
    ['{"a \\" : , \\\\":"  { [ : , ] }  "}'],
    ["1e-400"],
  ])("%s stays as it is", (text) => {
    expect(parseJson(bytes(text)).text).toBe(text);
  });

  test.each([
    [' { "a" : [ 1.0 , true ,\t{ } ] }\r\n', '{"a":[1.0,true,{}]}'],
    ["\ufeff 1 ", "1"],
    ['[" a  b ", "\\\\" , "\\"  " ]', '[" a  b ","\\\\","\\"  "]'],
  ])("%j loses the whitespace between tokens", (spaced, dense) => {
    expect(parseJson(bytes(spaced)).text).toBe(dense);
  });

  test.each(["1 2", "[1 2]", '{"a" 1}', "tru e", "- 1", '"a" "b"', "1 .0"])(
    "%s is not JSON, whatever it is without whitespace",
    (text) => {
      expect(() => parseJson(bytes(text))).toThrow(
        expect.objectContaining({ code: "body_not_json" }),
      );
    },
  );

  test.each([
    ['{"a":1.0,"b":2.0,"a":3.0}', '{"a":3.0,"b":2.0}'],
    ['[{"x":{"\\u0061":1e400,"a":12345678901234567890}}]', '[{"x":{"a":12345678901234567890}}]'],
    ['{"a":{"b":1,"b":[1.0]},"a":{"c":[1.0]}}', '{"a":{"c":[1.0]}}'],
  ])("of equal keys the last counts: %s", (text, last) => {
    const document = parseJson(bytes(text));
    expect(document.text).toBe(last);
    expect(document.value).toEqual(JSON.parse(last));
  });

  test("of 3,000 random documents, and of their members", () => {
    const random = createRandomJson(20261126);
    for (let n = 0; n < 3_000; n++) {
      const { spaced, dense } = random.next(6);
      const { value, text } = parseJson(bytes(spaced));
      expect(text).toBe(dense);
      expect(value).toEqual(JSON.parse(spaced));
      const members = memberTexts(text);
      expect([...members.keys()].sort()).toEqual(Object.keys(value!).sort());
      const joined = [...members].map(([name, one]) => [name, JSON.parse(one) as unknown]);
      expect(Object.fromEntries(joined)).toEqual(value);
      expect([...members.values()].every((one) => dense.includes(one))).toBe(true);
      const again = layOutJson(spaced);
      expect(parseJson(bytes(again)).text).toBe(dense);
      expect(JSON.stringify(parseExactly(again))).toHaveLength(
        JSON.stringify(parseExactly(dense)).length,
      );
    }
  });

  test("whatever is sent takes time in proportion to its length", () => {
    const hostile = (count: number): string[] => [
      `[${"1 ,".repeat(count)}1]`,
      `"${"\\\\".repeat(count)}"`,
      `[${'"\\\\",'.repeat(count)}1]`,
      `${" ".repeat(count)}1`,
      `{"a":"${'\\"'.repeat(count)}"}`,
      `{${Array.from({ length: count / 4 }, (_, n) => `"k${n}":1`).join(",")}}`,
      `{${'"a":1,'.repeat(count)}"a":1}`,
      '"\\'.repeat(count),
    ];
    const time = (text: string): number => {
      const start = performance.now();
      try {
        memberTexts(parseJson(bytes(text)).text);
      } catch {
        // refused, in time
      }
      return performance.now() - start;
    };
    // a quadratic one takes minutes
    for (const text of hostile(150_000)) expect(time(text)).toBeLessThan(5_000);
  });
});

describe("laid out for reading", () => {
  test("as JSON.stringify does it", () => {
    for (const value of [{}, [], [[]], { a: {}, b: [1, { c: "x" }], d: "" }, "text", 7, null]) {
      const text = JSON.stringify(value);
      expect(layOutJson(text)).toBe(JSON.stringify(value, null, 2));
      expect(layOutJson(JSON.stringify(value, null, 7))).toBe(JSON.stringify(value, null, 2));
    }
  });

  test("but for numbers, escapes and the order of keys", () => {
    expect(layOutJson('{"z":1.0,"1":-0,"\\u0061":[ ] }')).toBe(
      '{\n  "z": 1.0,\n  "1": -0,\n  "\\u0061": []\n}',
    );
  });
});

describe("parsed without losing a digit", () => {
  test("what a double holds is a number, the rest goes through JSON.stringify as it was", () => {
    const text = '{"a":1,"b":[12345678901234567890,1.0,-0,1e2,0.1]}';
    const value = parseExactly(text) as { a: number; b: unknown[] };
    expect(value.a).toBe(1);
    expect(value.b[4]).toBe(0.1);
    expect(value.b.slice(0, 4).map((one) => typeof one)).toEqual(Array(4).fill("object"));
    expect(JSON.stringify(value)).toBe(text);
  });

  test("one number", () => {
    expect(exactNumber("42.5")).toBe(42.5);
    expect(JSON.stringify([exactNumber("9007199254740993")])).toBe("[9007199254740993]");
  });
});
