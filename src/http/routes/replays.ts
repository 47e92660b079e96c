import { z } from "zod";
import { formatId, parseId } from "../../core/ids.ts";
import { MAX_LISTED_IDS } from "../../core/model.ts";
import type { ReplayDestination, ReplayFilter } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { grants } from "../../core/scopes.ts";
import { getReplay, listReplays } from "../../db/deliveries/replays.ts";
import {
  cancelReplay,
  createReplay,
  pauseReplay,
  resumeReplay,
} from "../../flow/deliveries/replays.ts";
import type { HttpContext } from "../http-context.ts";
import { urlFaults } from "../receivers.ts";
import { refuseFaults } from "../validation.ts";
import { json } from "../reply.ts";
import { pageReply } from "../views/page.ts";
import { replayView } from "../views/replay.ts";
import { route, type Route } from "../route.ts";
import { report } from "./replay-report.ts";
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
  summary:
    "Send many deliveries again, discard dead letters, cancel what is pending, or retry failed jobs",
  description:
    "Every delivery that matches now is sent again exactly once, discarded or canceled, in steps. With `dry_run` they are only counted. The target `jobs` needs the scope `jobs` as well.",
  body: replayInput,
  responses: {
    202: {
      description: "The replay",
      schema: replaySchema,
      headers: { location: "The replay" },
    },
  },
  problems: [
    "callback_url_invalid",
    "callback_url_userinfo",
    "target_blocked",
    "endpoint_unknown",
    "endpoint_state",
  ],
  async handler(context, { accountId, keyId, scopes: held, body, by }) {
    const { target, note, start_at: startAt } = body;
    if (target === "jobs" && !grants(held, ["jobs"])) {
      throw new Problem("scope_missing", "The target jobs needs the scope jobs as well.");
    }
    const destination = destinationOf(context, body);
    const replay = await createReplay(context, {
      ...destination,
      accountId,
      by,
      target,
      filter: filterOf(body),
      dryRun: body.dry_run,
      action: body.action,
      order: body.order,
      ...(body.pace === undefined ? {} : { pace: body.pace }),
      ...(startAt === undefined ? {} : { startAt }),
      ...(body.canary === undefined ? {} : { canary: body.canary }),
      ...(note === undefined ? {} : { discard: { note, keyId } }),
    });
    const location = `${context.config.publicUrl}/v1/replays/${formatId("replay", replay.id)}`;
    return json(202, replayView(replay), { location });
  },
});

function filterOf({ filter, target }: z.output<typeof replayInput>): ReplayFilter {
  const { ids, status = target === "jobs" ? "failed" : "dead", ...rest } = filter;
  const kind = target === "jobs" ? "job" : "delivery";
  // the schema has looked at them
  const named = ids === undefined ? {} : { ids: ids.map((id) => parseId(kind, id)!) };
  return { ...rest, ...named, status };
}

function destinationOf(
  { targets }: Pick<HttpContext, "targets">,
  { destination }: z.output<typeof replayInput>,
): { destination?: ReplayDestination } {
  if (destination === undefined) return {};
  const { endpoint_id, url } = destination;
  if (endpoint_id !== undefined) return { destination: { endpoint_id } };
  refuseFaults(urlFaults(targets, url!, ["destination", "url"]));
  return { destination: { url: url! } };
}

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

const pause = route({
  method: "post",
  path: "/v1/replays/{id}/pause",
  scopes,
  endpoints: "replay",
  permission: "replay",
  operationId: "pauseReplay",
  tag,
  summary: "Pause a replay",
  description: "It sends nothing until it is resumed. What it has sent again already stays sent.",
  params: idPath("replay"),
  body: emptyBody,
  bodyOptional: true,
  responses: { 200: { description: "The replay, paused", schema: replaySchema } },
  problems: ["id_invalid", "not_found", "replay_finished"],
  async handler(context, { accountId, params: { id }, by }) {
    return json(200, replayView(await pauseReplay(context, { accountId, replayId: id, by })));
  },
});

const resume = route({
  method: "post",
  path: "/v1/replays/{id}/resume",
  scopes,
  endpoints: "replay",
  permission: "replay",
  operationId: "resumeReplay",
  tag,
  summary: "Let a paused replay go on",
  description: "Its pace rises anew.",
  params: idPath("replay"),
  body: emptyBody,
  bodyOptional: true,
  responses: { 200: { description: "The replay, running", schema: replaySchema } },
  problems: ["id_invalid", "not_found", "replay_finished"],
  async handler(context, { accountId, params: { id }, by }) {
    return json(200, replayView(await resumeReplay(context, { accountId, replayId: id, by })));
  },
});

export const replayRoutes: Route[] = [create, list, get, cancel, pause, resume, report];
