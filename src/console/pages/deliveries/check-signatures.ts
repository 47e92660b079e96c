import { fromBase64, readWebhookKey } from "../../../client/webhook-keys.ts";

export interface Checked {
  signature: string;
  verdict: "valid" | "not made with this key" | "can't be checked here";
}

/**
 * Checks each signature of a webhook in the browser.
 * @param content the signed text: id, timestamp and body
 * @param keys `whsec_…` and `whpk_…`
 */
export async function checkSignatures(
  content: string,
  signatures: readonly string[],
  keys: readonly string[],
): Promise<Checked[]> {
  const bytes = new TextEncoder().encode(content);
  return await Promise.all(
    signatures.map(async (signature): Promise<Checked> => {
      const [version, value = ""] = signature.split(",");
      const fitting = keys.map(readWebhookKey).filter((key) => key.version === version);
      try {
        const tried = fitting.map((key) => key.verify(fromBase64(value)!, bytes));
        const valid = (await Promise.all(tried)).includes(true);
        return { signature, verdict: valid ? "valid" : "not made with this key" };
      } catch {
        // crypto.subtle is missing without https (but on this machine), Ed25519 in older browsers
        return { signature, verdict: "can't be checked here" };
      }
    }),
  );
}
