import { formatId } from "../../core/ids.ts";
import { changeEndpointState } from "../../flow/accounts/endpoints.ts";
import type { EndpointAction } from "../../flow/accounts/endpoints.ts";
import { testEndpoint } from "../../flow/deliveries/test-endpoint.ts";
import { sendMissed } from "../../flow/deliveries/missed.ts";
import { readEndpointSecret, rotateEndpointSecret } from "../../flow/accounts/secrets.ts";
import { json } from "../reply.ts";
import { endpointView } from "../views/endpoint.ts";
import { replayView } from "../views/replay.ts";
import { secretView } from "../views/secret.ts";
import { route, type Route } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import { deliveryWithAttempts } from "../schemas/delivery.ts";
import {
  endpoint as endpointSchema,
  rotatedSecret,
  rotation,
  secretOutput,
  sendMissedInput,
} from "../schemas/endpoint.ts";
import { replay as replaySchema } from "../schemas/replay.ts";
import { emptyBody } from "../schemas/request.ts";
import { deliveryReply } from "./deliveries.ts";

const tag = "Endpoints";
const scopes = ["webhooks"] as const;
const params = idPath("endpoint");

function stateRoute(action: EndpointAction, summary: string): Route {
  return route({
    method: "post",
    path: `/v1/endpoints/{id}/${action}`,
    scopes,
    operationId: `${action}Endpoint`,
    tag,
    summary,
    params,
    body: emptyBody,
    bodyOptional: true,
    responses: { 200: { description: "The endpoint as it is now", schema: endpointSchema } },
    problems: ["id_invalid", "not_found", "endpoint_state"],
    async handler(context, { accountId, params: { id }, by }) {
      const change = { accountId, endpointId: id, action, by };
      const endpoint = await changeEndpointState(context, change);
      return json(200, endpointView(context, endpoint));
    },
  });
}

const test = route({
  method: "post",
  path: "/v1/endpoints/{id}/test",
  scopes,
  endpoints: "endpoint",
  permission: "test",
  operationId: "testEndpoint",
  tag,
  summary: "Send an `endpoint.test` event to an endpoint and see its answer",
  description:
    "One attempt, made at once and not again, also while the endpoint is paused, disabled or held back by its breaker; it changes none of that. The answer comes when the receiver has answered, or its `timeout_s` is over. A test is in the log of deliveries like any other, and in no statistics; one that failed is no dead letter of the inbox.",
  params,
  body: emptyBody,
  bodyOptional: true,
  responses: {
    200: {
      description: "The delivery with its attempt, whether or not the receiver took it",
      schema: deliveryWithAttempts,
      headers: { location: "The delivery" },
    },
  },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, keyId, params: { id }, requestId, traceId }) {
    const order = { accountId, endpointId: id, keyId, requestId, traceId };
    const deliveryId = await testEndpoint(context, order);
    const location = `${context.config.publicUrl}/v1/deliveries/${formatId("delivery", deliveryId)}`;
    return await deliveryReply(context, accountId, deliveryId, { location });
  },
});

const missed = route({
  method: "post",
  path: "/v1/endpoints/{id}/send-missed",
  scopes,
  operationId: "sendMissed",
  tag,
  summary: "Send an endpoint what it did not get while it was disabled",
  description:
    "The messages that its event filter wants and no delivery was made for are sent to it, each once, in steps, as a replay with the action `send_missed`. To ask twice sends nothing twice.",
  params,
  body: sendMissedInput,
  bodyOptional: true,
  responses: {
    202: {
      description: "The replay",
      schema: replaySchema,
      headers: { location: "The replay" },
    },
  },
  problems: ["id_invalid", "not_found", "endpoint_state"],
  async handler(context, { accountId, params: { id }, body, by }) {
    const { since = null, dry_run: dryRun } = body ?? sendMissedInput.parse({});
    const replay = await sendMissed(context, { accountId, endpointId: id, since, dryRun, by });
    const location = `${context.config.publicUrl}/v1/replays/${formatId("replay", replay.id)}`;
    return json(202, replayView(replay), { location });
  },
});

const secret = route({
  method: "get",
  path: "/v1/endpoints/{id}/secret",
  scopes,
  endpoints: "endpoint",
  permission: "secret",
  operationId: "getEndpointSecret",
  tag,
  summary: "Read the secret that signs for an endpoint",
  params,
  responses: { 200: { description: "The current secret", schema: secretOutput } },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params: { id } }) {
    return json(200, secretView(await readEndpointSecret(context, { accountId, endpointId: id })));
  },
});

const rotate = route({
  method: "post",
  path: "/v1/endpoints/{id}/rotate-secret",
  scopes,
  endpoints: "endpoint",
  permission: "secret",
  operationId: "rotateEndpointSecret",
  tag,
  summary: "Give an endpoint a new secret",
  description: "The previous one signs beside it for `overlap_s` seconds.",
  params,
  body: rotation,
  bodyOptional: true,
  responses: { 200: { description: "The new secret", schema: rotatedSecret } },
  problems: ["id_invalid", "not_found"],
  async handler(context, { accountId, params: { id }, body, by }) {
    const { overlap_s, secret: chosen } = body ?? rotation.parse({});
    const rotated = await rotateEndpointSecret(context, {
      accountId,
      endpointId: id,
      overlapS: overlap_s,
      secret: chosen ?? null,
      by,
    });
    return json(200, secretView(rotated));
  },
});

export const endpointActionRoutes: Route[] = [
  stateRoute("pause", "Hold an endpoint's deliveries"),
  stateRoute("resume", "Let a paused endpoint go on"),
  stateRoute("enable", "Send to a disabled endpoint again"),
  stateRoute("disable", "Make nothing more for an endpoint; what is pending becomes dead letters"),
  missed,
  test,
  secret,
  rotate,
];
