/** The nonce of this page's policy, without which style elements are refused. */
export function readNonce(): string {
  const meta = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]');
  const nonce = meta?.nonce || "";
  // where libraries that add style elements look for it (get-nonce)
  Reflect.set(globalThis, "__webpack_nonce__", nonce);
  return nonce;
}
