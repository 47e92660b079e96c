import { z } from "zod";
import { timeText } from "./common.ts";

const HIT_KINDS = [
  "job",
  "message",
  "delivery",
  "endpoint",
  "replay",
  "api_key",
  "event_type",
  "job_type",
] as const;

/** What a search looks at. */
export const LOOKED_AT = [
  "id",
  "request_id",
  "idempotency_key",
  "metadata",
  "callback_url",
  "endpoint",
  "event_type",
  "job_type",
] as const;

export const searchQuery = z.strictObject({
  q: z.string().trim().min(1).max(300).meta({
    description:
      "An id of any kind, a request id, an idempotency key, a value of metadata or `name=value`, a callback URL or its origin, part of an endpoint's name or URL, of an event type or of a job type",
    example: "order=A-10019",
  }),
});

const hit = z
  .strictObject({
    kind: z.enum(HIT_KINDS),
    id: z.string().meta({ description: "Its id; the name of a type" }),
    by: z.enum(LOOKED_AT).meta({ description: "What of it fits" }),
    label: z.string(),
    at: timeText.nullable().meta({ description: "When it was made" }),
    path: z.string().meta({ description: "Where the API shows it" }),
  })
  .meta({ id: "SearchHit" });

export const searchAnswer = z
  .strictObject({
    hits: z.array(hit),
    looked_at: z
      .array(
        z.strictObject({
          what: z.enum(LOOKED_AT),
          since: timeText.nullable().meta({ description: "No further back than this" }),
          complete: z
            .boolean()
            .meta({ description: "False: it took too long, so this was not looked at" }),
          note: z.string().nullable(),
        }),
      )
      .meta({ description: "What was looked at, as far as the text could be one" }),
    summary: z.string().meta({
      description: "The same in a sentence: what `no match` means, when there is none",
    }),
  })
  .meta({ id: "SearchAnswer" });

export type HitBody = z.input<typeof hit>;
export type LookedAt = (typeof LOOKED_AT)[number];
export type SearchAnswerBody = z.input<typeof searchAnswer>;
