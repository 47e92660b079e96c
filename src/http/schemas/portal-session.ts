import { z } from "zod";
import { PERMISSIONS } from "../../core/portal.ts";
import { eventTypeText, idParam, idText, timeText } from "./common.ts";

/** The most endpoints of one session. */
const MAX_ENDPOINTS = 20;
const MAX_EVENT_TYPES = 100;
/** Of a logo as `data:` URL: about 48 KiB of picture. */
const MAX_LOGO = 65_536;
const LONGEST_S = 86_400;

const can = z.array(z.enum(PERMISSIONS));
const eventTypes = z.array(eventTypeText).max(MAX_EVENT_TYPES);

const theme = z
  .strictObject({
    title: z.string().trim().min(1).max(80).exactOptional(),
    accent: z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, "must be #rrggbb")
      .exactOptional()
      .meta({ description: "Made darker or lighter until it can be read" }),
    logo_url: z
      .string()
      .max(MAX_LOGO)
      .refine(isLogo, "must be an https: URL, or a data: URL of a PNG, JPEG, WebP, GIF or SVG")
      .exactOptional()
      .meta({ description: "An `https:` URL, or a `data:` URL of up to 64 KiB" }),
  })
  .meta({ id: "PortalTheme", example: { title: "Acme webhooks", accent: "#0b7285" } });

function isLogo(text: string): boolean {
  if (/^data:image\/(png|jpeg|webp|gif|svg\+xml);base64,[A-Za-z0-9+/]+=*$/.test(text)) return true;
  return URL.parse(text)?.protocol === "https:";
}

export const portalSessionInput = z
  .strictObject({
    endpoint_ids: z
      .array(idParam("endpoint"))
      .min(1)
      .max(MAX_ENDPOINTS)
      .meta({ description: "All that the partner sees" }),
    can: can.default(["read"]).meta({
      description:
        "`read`: deliveries, attempts and payloads, always given. `test`: send a test event. `replay`: send again. `secret`: read and rotate the secret. `events`: choose from `event_types`.",
    }),
    event_types: eventTypes.default([]).meta({
      description: "What `events` lets the partner choose from, and nothing else",
    }),
    ttl_s: z.int().min(60).max(LONGEST_S).default(3_600).meta({
      description: "Seconds until it ends",
    }),
    theme: theme.default({}),
  })
  .superRefine(({ can: chosen, event_types }, context) => {
    if (chosen.includes("events") === event_types.length > 0) return;
    const message = "must be given with the permission events, and only then";
    context.addIssue({ code: "custom", message, path: ["event_types"] });
  })
  .meta({
    id: "PortalSessionInput",
    example: { endpoint_ids: ["ep_01kay8d73rfd9sv35cw5x5x2sx"], can: ["read", "replay"] },
  });

const fields = {
  id: idText("portal_session"),
  endpoint_ids: z.array(idText("endpoint")),
  can,
  event_types: eventTypes,
  theme,
  created_at: timeText,
  expires_at: timeText,
};

export const portalSession = z.strictObject(fields).meta({ id: "PortalSession" });

export const portalSessionWithUrl = z
  .strictObject({
    ...fields,
    url: z.string().meta({
      description:
        "The link, shown this once. Its token is behind the `#`, which browsers send to nobody.",
    }),
  })
  .meta({ id: "PortalSessionWithUrl" });

/** The body of an answer. */
export type PortalSessionBody = z.input<typeof portalSession>;
