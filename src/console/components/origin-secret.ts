/** Where the secret of the callback URLs of an origin is shown. */
export function originPage(origin: string): string {
  return `/settings?tab=signing&origin=${encodeURIComponent(origin)}`;
}
