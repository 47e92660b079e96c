import nacl from "tweetnacl";

/** Checks a `v1a,…` signature as a partner does. @param publicKey `whpk_…` */
export function verifyV1a(signature: string, publicKey: string, content: Buffer): boolean {
  const [version, base64 = ""] = signature.split(",");
  if (version !== "v1a" || !publicKey.startsWith("whpk_")) return false;
  return nacl.sign.detached.verify(
    content,
    Buffer.from(base64, "base64"),
    Buffer.from(publicKey.slice("whpk_".length), "base64"),
  );
}
