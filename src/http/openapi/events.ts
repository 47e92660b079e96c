import { z } from "zod";
import type { ZodOpenApiOperationObject, ZodOpenApiPathItemObject } from "zod-openapi";
import { JOB_EVENTS } from "../../core/model.ts";
import { jsonObject, timeText } from "../schemas/common.ts";
import { operationalEvent } from "../schemas/operational-events.ts";
import { jobEventSchemas } from "../schemas/events.ts";

const headers = z.object({
  "webhook-id": z.string().meta({
    description:
      "The message's id. The same for every attempt and replay: what you have seen already, ignore.",
    example: "msg_01kbvt4z0ye59t7303w4zakmg7",
  }),
  "webhook-timestamp": z.string().meta({
    description:
      "Seconds since the epoch, of this attempt. Refuse what is older than five minutes.",
    example: "1795342530",
  }),
  "webhook-signature": z.string().meta({
    description:
      "Space-separated signatures of `{webhook-id}.{webhook-timestamp}.{body}`, the body byte for byte: `v1,` and base64 of HMAC-SHA256, one per active secret; `v1a,` and base64 of Ed25519. Both, unless `signatures` of the endpoint or callback says otherwise. One that verifies is enough.",
    example: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  }),
  "webhook-key-id": z.string().optional().meta({
    description:
      "With `v1a` signatures: the ids of the keys that made them, in their order, space-separated. They are found at `/.well-known/jwks.json` and with the account's own keys.",
    example: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
  }),
  "ringback-attempt": z.string().meta({ description: "1 for the first", example: "1" }),
  "x-request-id": z.string().meta({ description: "Of the request that started it all" }),
  traceparent: z.string().meta({ description: "W3C Trace Context, one span per attempt" }),
});

function operation(
  summary: string,
  schema: z.ZodType,
  description = "Signed by the Standard Webhooks specification 1.0.0.",
): ZodOpenApiOperationObject {
  return {
    summary,
    description,
    security: [],
    requestParams: { header: headers },
    requestBody: { required: true, content: { "application/json": { schema } } },
    responses: {
      "2XX": { description: "Delivered. The body is kept to 16 KiB, and not looked at." },
      "410": {
        description: "Gone: the delivery is a dead letter, a registered endpoint is disabled",
      },
      "429": { description: "Sent again later; not before `Retry-After`, which 503 may have too" },
      default: { description: "Sent again with growing pauses. Redirects are not followed." },
    },
  };
}

const jobActivity = new Map(
  JOB_EVENTS.map((event) => {
    const schema = jobEventSchemas.get(event) ?? z.never();
    return [event, { post: operation(`A job's ${event}`, schema) }] as const;
  }),
);

/** The webhooks of a job's callback, by event type. */
export function jobCallbacks(): Record<string, Record<string, ZodOpenApiPathItemObject>> {
  return Object.fromEntries(
    [...jobActivity].map(([event, item]) => [event, { "{$request.body#/callback_url}": item }]),
  );
}

function ownEvent(type: z.ZodType, id: string): z.ZodType {
  return z.strictObject({ type, timestamp: timeText, data: jsonObject }).meta({ id });
}

/** The webhooks of an endpoint, by event type. */
export function endpointWebhooks(): Record<string, ZodOpenApiPathItemObject> {
  return {
    ...Object.fromEntries(jobActivity),
    "endpoint.test": {
      post: operation("A test", ownEvent(z.literal("endpoint.test"), "EndpointTestEvent")),
    },
    operational: {
      post: operation(
        "What operators should know, to endpoints whose audience is operator",
        operationalEvent,
      ),
    },
    message: {
      post: operation(
        "An event published by POST /v1/messages",
        ownEvent(z.string().meta({ example: "invoice.paid" }), "OwnEvent"),
      ),
    },
  };
}
