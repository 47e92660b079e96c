import { z } from "zod";
import { ACTIVITY_TYPES, parsePosition } from "../../core/activity.ts";
import type { ActivityPosition } from "../../core/activity.ts";
import { Problem } from "../../core/problem.ts";
import type { Channel } from "../streams/channel.ts";
import { streamAccount, streamJob } from "../streams/activity.ts";
import type { HttpContext } from "../http-context.ts";
import { route, type BodyParts, type Route, type RouteCall } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import { streamQuery } from "../schemas/activity.ts";
import { eventStream } from "../streams/sse.ts";
import { findJob } from "./jobs.ts";

type StreamCall<Params> = RouteCall<Params, z.output<typeof streamQuery>, undefined>;

/** A route that answers with a stream of activity, over HTTP or over a WebSocket. */
export interface StreamRoute extends Route {
  /** Returns the function that sends activity to a channel. @throws Problem the refusal */
  open(
    context: HttpContext,
    call: Omit<RouteCall<unknown, unknown, unknown>, BodyParts>,
  ): Promise<(channel: Channel) => void>;
}

const HOW = `Each message has an \`id\`, and as \`event\` and in \`data.type\` one of ${ACTIVITY_TYPES.map((type) => `\`${type}\``).join(", ")}; \`data\` is JSON with \`type\`, \`at\` and ids. A client that comes back within 10 minutes and gives the last id it saw, as \`last-event-id\`, misses nothing and gets nothing twice; if too much time has passed, the message \`reset\` says so: fetch again what you show. One that reads too slowly is disconnected. The same over a WebSocket at the same path: each text frame is \`{id, type, at, data}\`. Browsers, which can't set headers there, offer the subprotocols \`ringback\` and \`bearer.<API key>\`, or rely on the session of the console.`;

function streamRoute<Params extends z.ZodObject>(
  definition: Pick<Route, "path" | "scopes" | "operationId" | "summary" | "problems"> & {
    description: string;
    params?: Params;
    open(
      context: HttpContext,
      call: Omit<StreamCall<z.output<Params>>, BodyParts>,
    ): Promise<(channel: Channel) => void>;
  },
): StreamRoute {
  const { open, description, ...rest } = definition;
  const made = route({
    ...rest,
    method: "get",
    tag: "Activity",
    description: `${description} ${HOW}`,
    headers: { "last-event-id": { description: "The `id` of the last message seen" } },
    query: streamQuery,
    responses: {
      200: {
        description: "Server-sent events, without end",
        contentType: "text/event-stream",
        schema: z.string(),
      },
    },
    handler: async (context, call) =>
      eventStream(await open(context, call as unknown as StreamCall<z.output<Params>>)),
  });
  // The dispatcher and the upgrade handler fill both from the same schemas.
  return { ...made, open: (context, call) => open(context, call as never) };
}

const account = streamRoute({
  path: "/v1/activity",
  scopes: ["jobs:read", "webhooks:read"],
  operationId: "streamActivity",
  summary: "Follow what happens",
  description:
    "Streams, as it happens, what becomes of jobs (with the scope `jobs:read`) and of messages, deliveries, endpoints, lanes and replays (`webhooks:read`).",
  problems: ["query_invalid", "activity_id_invalid"],
  async open(context, call) {
    const stream = callOf(call);
    return (channel) => streamAccount(context, stream, channel);
  },
});

const job = streamRoute({
  path: "/v1/jobs/{id}/activity",
  scopes: ["jobs:read"],
  operationId: "streamJobActivity",
  summary: "Follow a job and its deliveries",
  description:
    "Begins with `job.state`, which has the `job` as it is, and ends with `end`, when the job has ended and none of its deliveries is pending.",
  params: idPath("job"),
  problems: ["id_invalid", "not_found", "query_invalid", "activity_id_invalid"],
  async open(context, call) {
    const stream = { ...callOf(call), jobId: call.params.id };
    await findJob(context, call.accountId, call.params.id);
    return (channel) => streamJob(context, stream, channel);
  },
});

function callOf(call: Omit<StreamCall<unknown>, BodyParts>) {
  const { accountId, keyId, sessionId, scopes, query } = call;
  const after = readPosition(call.header("last-event-id") ?? query.last_event_id);
  return { accountId, keyId, sessionId, scopes, after, types: query.types ?? [] };
}

function readPosition(text: string | undefined): ActivityPosition | null {
  if (text === undefined || text === "") return null;
  const position = parsePosition(text);
  if (position !== null) return position;
  throw new Problem("activity_id_invalid", "Give the id of a message, unchanged, or none.");
}

export const streamRoutes: readonly StreamRoute[] = [account, job];
