import { createHash, randomBytes } from "node:crypto";
import nacl from "tweetnacl";

/**
 * Seals secrets at rest with a master key (tweetnacl secretbox: XSalsa20-Poly1305). A sealed text
 * names the key that opens it: `sealed:<id of the key>:<base64 of nonce ‖ box>`. A vault may know
 * several keys; one of them seals.
 */
export interface Vault {
  /** Ids of the keys it knows; the newest first. */
  readonly keyIds: readonly string[];
  seal(text: string): string;
  /** The reverse; throws when it was sealed with a key that the vault does not know, or was changed. */
  open(sealed: string): string;
  /** Seals with this key from now on: at first it is the newest. False: the vault does not know it. */
  sealWith(keyId: string): boolean;
  /**
   * Any text, JSON for instance, with each sealed text in it sealed anew unless the sealing key did
   * it. What no known key opens stays as it is.
   */
  reseal(text: string): string;
}

const BOX = "[A-Za-z0-9+/]+={0,2}";
const WHOLE = new RegExp(`^sealed:([0-9a-f]{8}):(${BOX})$`);
const ANYWHERE = new RegExp(`sealed:([0-9a-f]{8}):${BOX}`, "g");

/** @param masterKeys 32 bytes each, base64, at least one; the newest first */
export function createVault(masterKeys: readonly string[]): Vault {
  const keys = new Map(
    masterKeys.map((text) => {
      const key = Buffer.from(text, "base64");
      return [masterKeyId(key), key];
    }),
  );
  let [sealing = ""] = keys.keys();

  function seal(text: string): string {
    const nonce = randomBytes(nacl.secretbox.nonceLength);
    const box = nacl.secretbox(Buffer.from(text, "utf8"), nonce, keys.get(sealing)!);
    return `sealed:${sealing}:${Buffer.concat([nonce, box]).toString("base64")}`;
  }

  function open(sealed: string): string {
    const [, id = "", base64 = ""] = WHOLE.exec(sealed) ?? [];
    if (id === "") throw new Error("not a sealed text, or damaged");
    const key = keys.get(id);
    if (key === undefined) throw new Error(`sealed with another master key (${id})`);
    const bytes = Buffer.from(base64, "base64");
    const nonce = bytes.subarray(0, nacl.secretbox.nonceLength);
    const box = bytes.subarray(nacl.secretbox.nonceLength);
    const text =
      nonce.length < nacl.secretbox.nonceLength ? null : nacl.secretbox.open(box, nonce, key);
    if (text === null) throw new Error("a sealed text is damaged");
    return Buffer.from(text).toString("utf8");
  }

  return {
    keyIds: [...keys.keys()],
    seal,
    open,
    sealWith(keyId) {
      if (keys.has(keyId)) sealing = keyId;
      return keys.has(keyId);
    },
    reseal: (whole) =>
      whole.replaceAll(ANYWHERE, (sealed, id: string) => {
        if (id === sealing || !keys.has(id)) return sealed;
        try {
          return seal(open(sealed));
        } catch {
          // a text of a caller's own that only looks like it
          return sealed;
        }
      }),
  };
}

/** The id of the key that sealed a text. */
export function sealedBy(sealed: string): string {
  return WHOLE.exec(sealed)?.[1] ?? "";
}

/** Names a master key without telling anything of it. */
function masterKeyId(key: Uint8Array): string {
  return createHash("sha256").update("ringback master key\0").update(key).digest("hex").slice(0, 8);
}
