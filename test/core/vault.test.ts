import { randomBytes } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { createVault } from "../../src/core/vault.ts";

describe("the vault", () => {
  const vault = createVault(randomBytes(32));

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
    expect(new Set(boxes.map((box) => box.slice(0, 32))).size).toBe(50);
    for (const box of boxes) {
      expect(Buffer.from(box, "base64").includes("whsec_")).toBe(false);
      expect(Buffer.from(box, "base64").includes("MfKQ9r8G")).toBe(false);
    }
  });

  test("does not open what another key sealed", () => {
    const other = createVault(randomBytes(32));
    expect(() => vault.open(other.seal("text"))).toThrow("another master key");
  });

  test("does not open what was changed, wherever one bit was", () => {
    const sealed = Buffer.from(vault.seal("whsec_abc"), "base64");
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index]! ^= 1;
      expect(() => vault.open(changed.toString("base64"))).toThrow("damaged");
    }
  });

  test.each(["", "AAAA", "not base64 at all!"])("refuses %j with an error", (text) => {
    expect(() => vault.open(text)).toThrow(/nonce|sealed/);
  });

  test("takes a key of 32 bytes only", () => {
    expect(() => createVault(randomBytes(16)).seal("text")).toThrow("key");
  });
});
