import { z } from "zod";
import { SIGNATURE_VERSIONS } from "../../core/model.ts";

export const MAX_EVENTS = 50;
const MAX_DELIVERY_TIMEOUT_S = 30;

const retryFields = {
  max_attempts: z.int().min(1).max(51).meta({ description: "Attempts before it is a dead letter" }),
  base_s: z.number().min(0.1).max(3_600).meta({ description: "Wait after the first failure" }),
  factor: z.number().min(1).max(10).meta({ description: "Growth per further failure" }),
  cap_s: z.number().min(1).max(86_400).meta({ description: "Longest wait" }),
};

const MAX_DAYS_30_S = 2_592_000;

const delays = z
  .array(z.number().min(0.1).max(MAX_DAYS_30_S))
  .min(1)
  .max(50)
  .meta({
    description:
      "The wait after each failure, in seconds, ±20 %, in place of the other fields: one attempt more than waits",
    example: [5, 300, 1_800],
  });

/** After failed attempt n wait min(cap_s, base_s · factor^(n−1)) seconds, ±20 %; or a list of waits. */
export const retryPolicy = z
  .strictObject({
    max_attempts: retryFields.max_attempts,
    base_s: retryFields.base_s.optional(),
    factor: retryFields.factor.optional(),
    cap_s: retryFields.cap_s.optional(),
    delays_s: delays.optional(),
  })
  .meta({
    id: "RetryPolicy",
    description: "Either with `base_s`, `factor` and `cap_s`, or with `delays_s`",
  });

/** Any part of a retry policy. */
export const retryInput = z
  .strictObject({
    max_attempts: retryFields.max_attempts.exactOptional(),
    base_s: retryFields.base_s.exactOptional(),
    factor: retryFields.factor.exactOptional(),
    cap_s: retryFields.cap_s.exactOptional(),
    delays_s: delays.exactOptional(),
  })
  .superRefine((policy, context) => {
    if (policy.delays_s === undefined) return;
    const refuse = (name: string, message: string): void =>
      context.addIssue({ code: "custom", message, path: [name] });
    for (const name of ["base_s", "factor", "cap_s"] as const) {
      if (policy[name] !== undefined) refuse(name, "does not go with delays_s");
    }
    const attempts = policy.delays_s.length + 1;
    if ((policy.max_attempts ?? attempts) !== attempts) {
      refuse("max_attempts", "follows from delays_s: one attempt more than waits");
    }
  })
  .meta({ id: "RetryPolicyInput", description: "What is left out keeps its default" });

export const urlInput = z.string().min(1).max(2048).meta({
  description:
    "An https URL without user information or fragment. Plain http and private addresses only where the operator allows them.",
  example: "https://example.com/hooks",
});

export const headersInput = z.record(z.string(), z.string()).meta({
  description:
    "Custom headers of each request, at most 20. Names that begin with `webhook-` and those the service sets itself are refused.",
  example: { "x-tenant": "blue" },
});

export const headersText = z.record(z.string(), z.string()).meta({
  description: "Values that look like credentials are shown as `[redacted]`",
});

export const deliveryTimeout = z
  .int()
  .min(1)
  .max(MAX_DELIVERY_TIMEOUT_S)
  .meta({ description: "Seconds for a whole exchange, body included; 15 by default" });

export const finalStatus = z
  .array(z.int().min(300).max(599))
  .max(50)
  .refine((codes) => new Set(codes).size === codes.length, "must not name one twice")
  .meta({
    description: "Answers after which no attempt is made: the delivery is a dead letter at once",
    example: [400, 404],
    uniqueItems: true,
  });

export const giveUpAfter = z.int().min(60).max(MAX_DAYS_30_S).meta({
  description:
    "Seconds after which a delivery that is still pending is given up, also while its lane is paused or broken; 3 days by default. A replay begins anew.",
});

/** Half a day at least: a failure now and one later that day say little. */
export const disableAfter = z.int().min(43_200).max(MAX_DAYS_30_S).nullable().meta({
  description:
    "Seconds of failures, with no success among them, after which the endpoint is disabled; 5 days by default, null: never",
});

export const signatureVersions = z
  .array(z.enum(SIGNATURE_VERSIONS))
  .min(1, "must name at least one")
  .refine((versions) => new Set(versions).size === versions.length, "must not name one twice")
  .meta({
    description: "What webhooks are signed with: `v1` (HMAC-SHA256), `v1a` (Ed25519) or both",
    uniqueItems: true,
  });

const SECRET_BYTES = { min: 24, max: 64 };

export const SECRET_FORM = `\`whsec_\` and the base64 of ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes`;

/** A secret that the caller chooses, for instance the one used with another service. */
export const secretInput = z
  .string()
  .max(200)
  .refine((text) => {
    const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
    if (base64 === undefined || base64.length % 4 !== 0) return false;
    const { length } = Buffer.from(base64, "base64");
    return length >= SECRET_BYTES.min && length <= SECRET_BYTES.max;
  }, `must be whsec_ and the base64 of ${SECRET_BYTES.min} to ${SECRET_BYTES.max} bytes`)
  .meta({ description: SECRET_FORM, example: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" });

/** The name that people gave an endpoint, beside its id. */
export const endpointDescription = z.string().nullable().meta({
  description: "The endpoint's, also of a deleted one; null: a callback URL",
});
