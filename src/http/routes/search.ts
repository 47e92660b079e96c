import { hindranceOf } from "../../core/outage.ts";
import type { Scope } from "../../core/model.ts";
import { grants } from "../../core/scopes.ts";
import { json } from "../reply.ts";
import { route } from "../route.ts";
import {
  searchAnswer,
  searchQuery,
  type HitBody,
  type LookedAt,
  type SearchAnswerBody,
} from "../schemas/search.ts";
import { lookups, type Lookup } from "../search-lookups.ts";

const NAMES: Record<LookedAt, string> = {
  id: "ids",
  request_id: "request ids",
  idempotency_key: "idempotency keys",
  metadata: "metadata",
  callback_url: "callback URLs",
  endpoint: "endpoints",
  event_type: "event types",
  job_type: "job types",
};

export const searchRoute = route({
  method: "get",
  path: "/v1/search",
  scopes: ["jobs:read", "webhooks:read"],
  operationId: "search",
  tag: "Operation",
  summary: "Find things by what you have in hand",
  description:
    "Looks at everything that the text could be and that the API key may see. Each look is bounded; the answer says what was looked at, and how far back. For text within bodies see `GET /v1/messages?text=`.",
  query: searchQuery,
  responses: { 200: { description: "What was found", schema: searchAnswer } },
  problems: ["query_invalid"],
  async handler(context, { accountId, scopes, query: { q: text }, disconnected }) {
    const may = (needed: readonly Scope[]): boolean => grants(scopes, needed);
    const looks = lookups(context).filter((one) => may(one.scopes) && one.fits(text));
    const reader = context.searches(disconnected());
    const hits = new Map<string, HitBody>();
    const looked: SearchAnswerBody["looked_at"] = [];
    for (const look of looks) {
      const found = await findOrGiveUp(() => look.find({ accountId, text, reader }));
      for (const hit of found ?? []) {
        const key = `${hit.kind} ${hit.id}`;
        if (mayShow(hit, may) && !hits.has(key)) hits.set(key, hit);
      }
      looked.push(lookedAt(look, found !== null));
    }
    const all = [...hits.values()];
    return json(200, { hits: all, looked_at: looked, summary: summaryOf(all.length, looked) });
  },
});

/** Null: the statement took too long. */
async function findOrGiveUp(find: () => Promise<HitBody[]>): Promise<HitBody[] | null> {
  try {
    return await find();
  } catch (error) {
    if (hindranceOf(error) !== "statement took too long") throw error;
    return null;
  }
}

function mayShow({ kind }: HitBody, may: (scopes: readonly Scope[]) => boolean): boolean {
  if (kind === "job") return may(["jobs:read"]);
  return kind === "message" ? may(["webhooks:read"]) : true;
}

function lookedAt({ what, since, note }: Lookup, complete: boolean) {
  return { what, since: since?.toISOString() ?? null, complete, note: note ?? null };
}

function summaryOf(hits: number, looked: SearchAnswerBody["looked_at"]): string {
  const done = looked.filter(({ complete }) => complete).map(toText);
  const undone = looked.filter(({ complete }) => !complete).map(({ what }) => NAMES[what]);
  const late = undone.length === 0 ? "" : ` It took too long to look at ${undone.join(", ")}.`;
  return `${hits === 0 ? "No match" : `${hits} found`}: looked at ${[...new Set(done)].join("; ")}. What is older may have been removed by retention.${late}`;
}

function toText({ what, since, note }: SearchAnswerBody["looked_at"][number]): string {
  const from = since === null ? "" : ` since ${since.slice(0, 10)}`;
  return `${NAMES[what]}${from}${note === null ? "" : ` (${note})`}`;
}
