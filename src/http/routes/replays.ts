import { z } from "zod";
import { formatId } from "../../core/ids.ts";
import { MAX_LISTED_IDS } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { getReplay, listReplays } from "../../db/deliveries/replays.ts";
import { cancelReplay, createReplay } from "../../flow/deliveries/replay.ts";
import { json } from "../reply.ts";
import { pageReply } from "../views/page.ts";
import { replayView } from "../views/replay.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf, pageQuery } from "../schemas/common.ts";
import { replay as replaySchema, replayInput } from "../schemas/replay.ts";
import { emptyBody } from "../schemas/request.ts";

const tag = "Replays";
const scopes = ["webhooks"] as const;

const create = route({
  method: "post",
  path: "/v1/replays",
  scopes,
  endpoints: "filter",
  permission: "replay",
  operationId: "createReplay",
  tag,
  summary: "Send many deliveries again, discard dead letters, or cancel what is pending",
  description:
    "Every delivery that matches now is sent again exactly once, discarded or canceled, in steps. With `dry_run` they are only counted.",
  body: replayInput,
  responses: {
    202: {
      description: "The replay",
      schema: replaySchema,
      headers: { location: "The replay" },
    },
  },
  problems: [],
  async handler(context, { accountId, keyId, body, by }) {
    const { filter, dry_run: dryRun, action, note } = body;
    const discard = note === undefined ? {} : { discard: { note, keyId } };
    const order = { accountId, filter, dryRun, action, by, ...discard };
    const replay = await createReplay(context, order);
    const location = `${context.config.publicUrl}/v1/replays/${formatId("replay", replay.id)}`;
    return json(202, replayView(replay), { location });
  },
});

const list = route({
  method: "get",
  path: "/v1/replays",
  scopes: ["webhooks:read"],
  endpoints: "handler",
  permission: "read",
  operationId: "listReplays",
  tag,
  summary: "List replays, newest first",
  description: `\`ids\` of a filter that names more than ${MAX_LISTED_IDS} are left out: \`GET /v1/replays/{id}\` has them.`,
  query: z.strictObject(pageQuery),
  responses: { 200: { description: "A page of replays", schema: pageOf(replaySchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler(context, { accountId, endpointIds, query }) {
    return await pageReply(
      "replays",
      query,
      (page) => listReplays(context.lookups, accountId, { ...page, endpointIds }),
      (row) => JSON.stringify(replayView(row)),
    );
  },
});

const get = route({
  method: "get",
  path: "/v1/replays/{id}",
  scopes: ["webhooks:read"],
  endpoints: "replay",
  permission: "read",
  operationId: "getReplay",
  tag,
  summary: "Look at a replay",
  params: idPath("replay"),
  responses: { 200: { description: "The replay", schema: replaySchema } },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params: { id } }) {
    const replay = await getReplay(context.pool, accountId, id);
    if (replay === null) throw new Problem("not_found", "There is no such replay.");
    return json(200, replayView(replay));
  },
});

const cancel = route({
  method: "post",
  path: "/v1/replays/{id}/cancel",
  scopes,
  endpoints: "replay",
  permission: "replay",
  operationId: "cancelReplay",
  tag,
  summary: "Stop a replay",
  description: "What it has sent again already stays sent.",
  params: idPath("replay"),
  body: emptyBody,
  bodyOptional: true,
  responses: { 200: { description: "The replay, canceled", schema: replaySchema } },
  problems: ["id_invalid", "not_found", "replay_finished"],
  async handler(context, { accountId, params: { id }, by }) {
    return json(200, replayView(await cancelReplay(context, { accountId, replayId: id, by })));
  },
});

export const replayRoutes: Route[] = [create, list, get, cancel];
