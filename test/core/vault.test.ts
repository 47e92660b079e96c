import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { createVault, sealedBy } from "../../src/core/vault.ts";

const newKey = (): string => randomBytes(32).toString("base64");
/** The box of a sealed text. */
const boxOf = (sealed: string): Buffer => Buffer.from(sealed.split(":")[2]!, "base64");

describe("the vault", () => {
  const vault = createVault([newKey()]);

  test.each([
    "",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "Grüße, 世界 🎉\0",
    "x".repeat(100_000),
  ])("opens what it sealed", (text) => {
    expect(vault.open(vault.seal(text))).toBe(text);
  });

  test("shows nothing of the text, and never the same box twice", () => {
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const boxes = Array.from({ length: 50 }, () => vault.seal(secret));
    expect(new Set(boxes).size).toBe(50);
    expect(new Set(boxes.map((box) => box.slice(0, 48))).size).toBe(50);
    for (const box of boxes) {
      expect(boxOf(box).includes("whsec_")).toBe(false);
      expect(boxOf(box).includes("MfKQ9r8G")).toBe(false);
    }
  });

  test("does not open what another key sealed", () => {
    const other = createVault([newKey()]);
    expect(() => vault.open(other.seal("text"))).toThrow("another master key");
  });

  test("does not open what was changed, wherever one bit was", () => {
    const whole = vault.seal("whsec_abc");
    const sealed = boxOf(whole);
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      expect(() => vault.open(`sealed:${sealedBy(whole)}:${changed.toString("base64")}`)).toThrow(
        "damaged",
      );
    }
  });

  test.each(["", "AAAA", "not base64 at all!", "sealed::AAAA", `sealed:${vault.keyIds[0]!}:AAAA`])(
    "refuses %j with an error",
    (text) => {
      expect(() => vault.open(text)).toThrow(/sealed/);
    },
  );

  test("takes a key of 32 bytes only", () => {
    const short = randomBytes(16).toString("base64");
    expect(() => createVault([short]).seal("text")).toThrow("key");
  });
});

describe("a vault with several keys", () => {
  const [first, second] = [newKey(), newKey()];
  const old = createVault([first]);
  const both = createVault([second, first]);
  const late = createVault([second]);

  test("seals with the newest, or the one it is told, and opens with each", () => {
    expect(both.open(old.seal("a"))).toBe("a");
    expect(late.open(both.seal("b"))).toBe("b");
    expect(both.sealWith(old.keyIds[0]!)).toBe(true);
    expect(old.open(both.seal("c"))).toBe("c");
    expect(() => late.open(both.seal("c"))).toThrow(`another master key (${old.keyIds[0]})`);
    expect(both.sealWith("00000000")).toBe(false);
    expect(old.open(both.seal("d"))).toBe("d");
    expect(both.sealWith(late.keyIds[0]!)).toBe(true);
  });

  test("names keys by ids that tell nothing of them", () => {
    expect(both.keyIds).toEqual([...late.keyIds, ...old.keyIds]);
    expect(both.keyIds[0]).toMatch(/^[0-9a-f]{8}$/);
    expect(Buffer.from(second, "base64").toString("hex")).not.toContain(both.keyIds[0]);
    expect(createVault([second, second]).keyIds).toEqual(late.keyIds);
  });

  test("seals anew what is sealed within JSON, and nothing else", () => {
    const foreign = createVault([newKey()]).seal("x");
    const fake = `sealed:${old.keyIds[0]}:AAAA`;
    const value = {
      headers: { a: old.seal('Grüße "☃"'), b: both.seal("new") },
      list: [old.seal(""), foreign, fake, "sealed: no"],
    };
    const text = JSON.stringify(value, null, 1);
    const anew = JSON.parse(both.reseal(text)) as typeof value;
    expect(late.open(anew.headers.a)).toBe('Grüße "☃"');
    expect(late.open(anew.list[0]!)).toBe("");
    expect(anew.headers.b).toBe(value.headers.b);
    expect(anew.list.slice(1)).toEqual(value.list.slice(1));
    expect(both.reseal(JSON.stringify(anew))).toBe(JSON.stringify(anew));
  });
});
