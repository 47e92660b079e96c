import { z } from "zod";
import { ACCOUNT_STATES } from "../../core/account.ts";
import { idText, pageQuery, timeText } from "./common.ts";

const name = z.string().trim().min(1).max(100).meta({ example: "acme" });

export const accountInput = z
  .strictObject({ name })
  .meta({ id: "AccountInput", example: { name: "acme" } });

export const accountChanges = z
  .strictObject({
    name: name.exactOptional(),
    state: z.enum(["active", "suspended"]).exactOptional().meta({
      description:
        "`suspended`: nothing new is accepted; what was accepted is computed and delivered",
    }),
    reason: z.string().trim().min(1).max(500).nullable().exactOptional().meta({
      description: "Why it is suspended",
    }),
  })
  .superRefine(({ state, reason }, context) => {
    if (typeof reason !== "string" || state === "suspended") return;
    context.addIssue({ code: "custom", message: "goes with suspended", path: ["reason"] });
  })
  .meta({ id: "AccountChanges", example: { state: "suspended", reason: "unpaid" } });

export const accountsQuery = z.strictObject({
  state: z.enum(ACCOUNT_STATES).optional().meta({ description: "Default: all but `deleted`" }),
  ...pageQuery,
});

export const account = z
  .strictObject({
    id: idText("account"),
    name: z.string(),
    state: z.enum(ACCOUNT_STATES),
    reason: z.string().nullable().meta({ description: "Why it is suspended" }),
    state_changed_at: timeText,
    deleted_rows: z.number().meta({
      description: "Rows that its deletion has deleted so far",
    }),
    created_at: timeText,
    current: z.boolean().meta({ description: "It is that of the API key of this request" }),
  })
  .meta({ id: "Account" });

/** The body of an answer. */
export type AccountBody = z.input<typeof account>;
