import type { SecretBody } from "../schemas/endpoint.ts";
import { isoTime } from "./common.ts";

export function secretView(found: { secret: string; previousExpiresAt: Date | null }): SecretBody {
  return { secret: found.secret, previous_expires_at: isoTime(found.previousExpiresAt) };
}
