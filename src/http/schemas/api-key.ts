import { z } from "zod";
import { SCOPES } from "../../core/model.ts";
import { idText, timeText } from "./common.ts";

const scopes = z.array(z.enum(SCOPES)).min(1);
/** Scopes that may be given. A key for what all accounts share is made by `keys create --database`. */
const given = z.array(z.enum(["jobs", "webhooks", "admin"])).min(1);

export const apiKeyInput = z
  .strictObject({
    name: z.string().trim().min(1).max(100).meta({ description: "What it is for" }),
    scopes: given.meta({ description: "`admin` implies the others" }),
  })
  .meta({ id: "ApiKeyInput", example: { name: "order system", scopes: ["jobs"] } });

const fields = {
  id: idText("key"),
  name: z.string(),
  scopes,
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
