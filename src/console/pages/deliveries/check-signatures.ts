export interface Checked {
  signature: string;
  verdict: "valid" | "not made with this key" | "can't be checked here";
}

interface Keys {
  /** `whsec_…` */
  secret: string;
  /** `whpk_…` */
  publicKeys: readonly string[];
}

/** Checks each signature in the browser, by the rules of Standard Webhooks. */
export async function checkSignatures(
  content: string,
  signatures: readonly string[],
  keys: Keys,
): Promise<Checked[]> {
  const bytes = new TextEncoder().encode(content);
  return await Promise.all(
    signatures.map(async (signature): Promise<Checked> => {
      const [version, value = ""] = signature.split(",");
      try {
        const verify = version === "v1a" ? verifyEd25519 : verifyHmac;
        const tried = version === "v1a" ? keys.publicKeys : [keys.secret];
        const fits = await Promise.all(
          tried.map((key) => verify(decode(key.replace(/^wh[a-z]+_/, "")), decode(value), bytes)),
        );
        return { signature, verdict: fits.includes(true) ? "valid" : "not made with this key" };
      } catch {
        // crypto.subtle is missing without https (but on this machine), Ed25519 in older browsers
        return { signature, verdict: "can't be checked here" };
      }
    }),
  );
}

type Bytes = Uint8Array<ArrayBuffer>;

async function verifyHmac(secret: Bytes, signature: Bytes, content: Bytes): Promise<boolean> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["verify"]);
  return await crypto.subtle.verify("HMAC", key, signature, content);
}

async function verifyEd25519(publicKey: Bytes, signature: Bytes, content: Bytes): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", key, signature, content);
}

function decode(base64: string): Bytes {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
