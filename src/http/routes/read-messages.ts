import { idTime } from "../../core/ids.ts";
import { encodeCursor } from "../../core/cursor.ts";
import { MAX_UNPAGED } from "../../core/model.ts";
import type { Delivery, Message } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { eventsOf, whySkipped } from "../../core/skipped.ts";
import { listEndpoints } from "../../db/accounts/endpoint-lists.ts";
import { listDeliveries } from "../../db/deliveries/deliveries.ts";
import { listMessages } from "../../db/deliveries/message-list.ts";
import { getMessage } from "../../db/deliveries/messages.ts";
import { getJob } from "../../db/jobs/jobs.ts";
import type { HttpContext } from "../http-context.ts";
import { keyedPage } from "../keyed-page.ts";
import { json, jsonText } from "../reply.ts";
import { withHeld } from "../views/held.ts";
import { route, type Route } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import { messagePage, messagesQuery, messageWithSkipped } from "../schemas/delivery.ts";
import type { SkippedBody } from "../schemas/delivery.ts";
import { listedMessageView, MAX_SHOWN, messageView, skippedView } from "../views/delivery.ts";
import { pageText, readPage } from "../views/page.ts";

const tag = "Messages";
const scopes = ["webhooks:read"] as const;

const DAY_MS = 86_400_000;

const list = route({
  method: "get",
  path: "/v1/messages",
  scopes,
  operationId: "listMessages",
  tag,
  summary: "List messages, newest first",
  description:
    "Each event that was published, and each event of a job that somebody wanted. What no index finds (`text`, types to leave out, a type together with a receiver) is looked for in a bounded number of messages per page: the page then ends at `looked_until`, and `next_cursor` leads on.",
  query: messagesQuery,
  responses: { 200: { description: "A page of messages", schema: messagePage } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, query, disconnected }) {
    const { type: types, job_id: jobId, endpoint_id: endpointId, text, since, until } = query;
    if (query.metadata !== undefined && endpointId !== undefined) refuseBoth();
    const end = until?.getTime() ?? context.now().getTime();
    const begin = since ?? (text === undefined ? undefined : new Date(end - DAY_MS));
    const filter = { types, jobId, endpointId, text, since: begin, until };
    // places in it are those of deliveries
    const name = endpointId === undefined ? "messages" : `messages for ${endpointId}`;
    let lookedUntil: string | null = null;
    const page = await readPage(
      name,
      query,
      async (wanted) => {
        const reader = context.searches(disconnected());
        const { keyed, ...looked } = await keyedPage(reader, accountId, query, wanted.before);
        const found = await listMessages(reader, accountId, { ...filter, keyed, ...wanted });
        lookedUntil = found.lookedUntil ?? looked.lookedUntil;
        return found.rows.map((message) => ({ id: message.at, message }));
      },
      ({ message }) => JSON.stringify(listedMessageView(message)),
    );
    const stopped = page.next === null ? (lookedUntil as string | null) : null;
    const next = stopped === null ? page.next : encodeCursor(name, stopped);
    const isFirst = query.cursor === undefined;
    return jsonText(
      200,
      pageText(
        { items: page.items, next },
        {
          looked_until: stopped === null ? null : new Date(idTime(stopped)).toISOString(),
          ...(jobId === undefined || !isFirst
            ? {}
            : { without_receiver: await eventsWithoutReceiver(context, accountId, jobId) }),
        },
      ),
    );
  },
});

function refuseBoth(): never {
  const detail = "can't be asked together with endpoint_id";
  throw new Problem("query_invalid", `metadata ${detail}`, {
    errors: [{ parameter: "metadata", detail }],
  });
}

/** The events of a job that no message tells of. */
async function eventsWithoutReceiver(
  context: Pick<HttpContext, "pool" | "lookups">,
  accountId: string,
  jobId: string,
): Promise<string[]> {
  const job = await getJob(context.pool, accountId, jobId);
  if (job === null) return [];
  const missing: string[] = [];
  for (const type of eventsOf(job)) {
    const filter = { jobId, eventTypes: [type], limit: 1 };
    if ((await listDeliveries(context.lookups, accountId, filter)).length === 0) missing.push(type);
  }
  return missing;
}

const get = route({
  method: "get",
  path: "/v1/messages/{id}",
  scopes,
  endpoints: "handler",
  permission: "read",
  operationId: "getMessage",
  tag,
  summary: "Look at a message, its deliveries and who got none",
  params: idPath("message"),
  responses: {
    200: {
      description: `The message; with at most ${MAX_SHOWN} deliveries, newest first`,
      schema: messageWithSkipped,
    },
  },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, endpointIds, params: { id } }) {
    const message = await getMessage(context.pool, accountId, id);
    const filter = { messageId: id, limit: MAX_SHOWN };
    const own = { ...filter, endpointIds: endpointIds ?? undefined };
    const deliveries = await listDeliveries(context.lookups, accountId, own);
    if (message === null || (endpointIds !== null && deliveries.length === 0)) {
      throw new Problem("not_found", "There is no such message.");
    }
    // who else got none is not theirs to know
    const skipped = endpointIds === null ? await findSkipped(context, message, deliveries) : [];
    const shown = await withHeld(context, deliveries);
    return json(200, { ...messageView(message, shown), skipped });
  },
});

/** The endpoints without a delivery; null: there are more deliveries than were read. */
async function findSkipped(
  context: Pick<HttpContext, "pool" | "lookups">,
  message: Message,
  deliveries: readonly Delivery[],
): Promise<SkippedBody[] | null> {
  if (deliveries.length >= MAX_SHOWN) return null;
  const { account_id, job_id } = message;
  const [endpoints, job] = await Promise.all([
    listEndpoints(context.lookups, account_id, { limit: MAX_UNPAGED }),
    job_id === null ? null : getJob(context.pool, account_id, job_id),
  ]);
  const received = new Set(deliveries.map(({ endpoint_id }) => endpoint_id));
  return endpoints
    .filter(({ id }) => !received.has(id))
    .map((endpoint) => skippedView(endpoint, whySkipped(endpoint, message, job?.callbacks ?? [])));
}

export const readMessageRoutes: Route[] = [list, get];
