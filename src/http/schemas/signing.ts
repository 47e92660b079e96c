import { z } from "zod";
import { checkTargetSyntax } from "../../core/targets.ts";
import { timeText } from "./common.ts";
import { overlap, previousExpiry, secretText } from "./endpoint.ts";

export const originSecret = z
  .strictObject({
    secret: secretText,
    origin: z.string().meta({
      description: "Of the callback URLs it signs for",
      example: "https://example.com",
    }),
    previous_expires_at: previousExpiry,
  })
  .meta({ id: "OriginSecret" });

const ORIGIN_NEEDED =
  "is required: each origin of callback URLs has a secret of its own, and the account's is never shown";

export const originQuery = z.strictObject({
  origin: z
    .string({ error: ({ input }) => (input === undefined ? ORIGIN_NEEDED : undefined) })
    .transform((text, context) => {
      const check = checkTargetSyntax(text);
      if (check.ok) return check.url.origin;
      context.addIssue({ code: "custom", message: check.detail });
      return z.NEVER;
    })
    .meta({
      description: "`https://host[:port]`, or a whole callback URL, of which that part counts",
      example: "https://example.com",
    }),
});

export const accountRotation = z
  .strictObject({ overlap_s: overlap })
  .meta({ id: "AccountRotation", example: { overlap_s: 86_400 } });

export const accountRotated = z
  .strictObject({ previous_expires_at: timeText })
  .meta({ id: "AccountRotated" });
