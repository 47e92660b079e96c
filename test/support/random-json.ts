/** Random JSON, the same for the same seed: as it is written, and without whitespace. */
export interface RandomJson {
  spaced: string;
  dense: string;
}

const NUMBERS = [
  ...["0", "-0", "1.0", "100", "1e2", "1E+2", "1.50e-3", "9007199254740992", "9007199254740993"],
  ...["12345678901234567890", "-18446744073709551615", "0.1000000000000000055511151231257827"],
  ...["3.141592653589793238462643383279", "1e-400", "123e306", "0.000", "-1.0E0"],
];
const PARTS = [
  ...["a", "Z", "é", "😀", " ", "\\n", "\\\\", '\\"', "\\/", "\\u00e9", "\\ud83d\\ude00"],
  ...["{", "}", "[", "]", ":", ",", "\\u0041", "\\t", "1.0", "\u2028", "\\\\\\\\"],
];
const SPACES = ["", "", "", " ", "\n", "\t", "\r\n  "];

/** Objects have no key twice; keys are texts, numbers as texts and escapes. */
export function createRandomJson(seed: number): { next(maxDepth: number): RandomJson } {
  let state = seed;
  const random = (below: number): number => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const pick = <T>(choices: readonly T[]): T => choices[random(choices.length)]!;
  const space = (): string => pick(SPACES);
  const string = (): string => `"${Array.from({ length: random(6) }, () => pick(PARTS)).join("")}"`;

  function value(depth: number): RandomJson {
    const kind = random(depth > 0 ? 7 : 4);
    if (kind < 2) return leaf(pick(NUMBERS));
    if (kind === 2) return leaf(string());
    if (kind === 3) return leaf(pick(["true", "false", "null"]));
    return kind === 4 ? list(depth) : object(depth);
  }

  function leaf(text: string): RandomJson {
    return { spaced: text, dense: text };
  }

  function list(depth: number): RandomJson {
    return enclose(
      "[",
      Array.from({ length: random(5) }, () => value(depth - 1)),
      "]",
    );
  }

  function object(depth: number): RandomJson {
    const members = new Map<string, RandomJson>();
    for (let count = random(6); count > 0; count--) {
      const key = random(3) === 0 ? `"${random(30)}"` : string();
      const { spaced, dense } = value(depth - 1);
      members.set(JSON.parse(key) as string, {
        spaced: `${key}${space()}:${space()}${spaced}`,
        dense: `${key}:${dense}`,
      });
    }
    return enclose("{", [...members.values()], "}");
  }

  function enclose(open: string, parts: readonly RandomJson[], close: string): RandomJson {
    const padded = parts.map(({ spaced }) => `${space()}${spaced}${space()}`);
    return {
      spaced: `${open}${parts.length === 0 ? space() : padded.join(",")}${close}`,
      dense: `${open}${parts.map(({ dense }) => dense).join(",")}${close}`,
    };
  }

  return { next: object };
}
