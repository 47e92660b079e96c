import { z } from "zod";
import { SCOPES, type Scope } from "../../core/model.ts";
import { ENDPOINT_SCOPES } from "../../core/scopes.ts";
import { idParam, idText, timeText } from "./common.ts";

/** The most endpoints of one key. */
const MAX_ENDPOINTS = 20;

const scopes = z.array(z.enum(SCOPES)).min(1);
/** Scopes that may be given. A key for what all accounts share is made by `keys create --database`. */
const given = z.array(z.enum(SCOPES).exclude(["operator"])).min(1);

function isEndpointScope(scope: Scope): boolean {
  return ENDPOINT_SCOPES.some((one) => one === scope);
}

export const apiKeyInput = z
  .strictObject({
    name: z.string().trim().min(1).max(100).meta({ description: "What it is for" }),
    scopes: given.meta({
      description:
        "`jobs` and `webhooks` imply their `:read`; `admin` implies all, `admin:read` all that read",
    }),
    endpoint_ids: z.array(idParam("endpoint")).min(1).max(MAX_ENDPOINTS).exactOptional().meta({
      description:
        "The only endpoints whose deliveries it sees, replays and tests; goes with `webhooks:read` and `webhooks`",
    }),
  })
  .superRefine(({ scopes: chosen, endpoint_ids }, context) => {
    if (endpoint_ids === undefined || chosen.every(isEndpointScope)) return;
    const message = `only ${ENDPOINT_SCOPES.join(" and ")} can be bound to endpoints`;
    context.addIssue({ code: "custom", message, path: ["scopes"] });
  })
  .meta({ id: "ApiKeyInput", example: { name: "order system", scopes: ["jobs"] } });

const fields = {
  id: idText("key"),
  name: z.string(),
  scopes,
  endpoint_ids: z.array(idText("endpoint")).nullable().meta({
    description: "The only endpoints that it sees; null: all",
  }),
  created_at: timeText,
  last_used_at: timeText.nullable().meta({ description: "To the minute" }),
  revoked_at: timeText.nullable(),
  current: z.boolean().meta({ description: "It is the one of this request" }),
};

export const apiKey = z.strictObject(fields).meta({ id: "ApiKey" });

export const apiKeyWithText = z
  .strictObject({
    ...fields,
    key: z
      .string()
      .regex(/^rk_[A-Za-z0-9_-]+$/)
      .meta({ description: "Shown this once; only a hash of it is kept" }),
  })
  .meta({ id: "ApiKeyWithText" });

/** The body of an answer. */
export type ApiKeyBody = z.input<typeof apiKey>;
