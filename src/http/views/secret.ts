import { isoTime } from "./common.ts";

export function secretView(found: { secret: string; previousExpiresAt: Date | null }) {
  return { secret: found.secret, previous_expires_at: isoTime(found.previousExpiresAt) };
}
