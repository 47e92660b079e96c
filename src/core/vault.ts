import { randomBytes } from "node:crypto";
import nacl from "tweetnacl";

/** Seals secrets at rest with the master key (tweetnacl secretbox: XSalsa20-Poly1305). */
export interface Vault {
  /** Text → base64 of nonce ‖ box. */
  seal(text: string): string;
  /** The reverse; throws when the box was sealed with another key or was changed. */
  open(sealed: string): string;
}

/** @param masterKey 32 bytes */
export function createVault(masterKey: Uint8Array): Vault {
  return {
    seal(text) {
      const nonce = randomBytes(nacl.secretbox.nonceLength);
      const box = nacl.secretbox(Buffer.from(text, "utf8"), nonce, masterKey);
      return Buffer.concat([nonce, box]).toString("base64");
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, "base64");
      const nonce = bytes.subarray(0, nacl.secretbox.nonceLength);
      const box = bytes.subarray(nacl.secretbox.nonceLength);
      const text = nacl.secretbox.open(box, nonce, masterKey);
      if (text === null) throw new Error("sealed with another master key, or damaged");
      return Buffer.from(text).toString("utf8");
    },
  };
}
