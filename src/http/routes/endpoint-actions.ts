import { formatId } from "../../core/ids.ts";
import { changeEndpointState } from "../../flow/accounts/endpoints.ts";
import { testEndpoint } from "../../flow/deliveries/publish-message.ts";
import { readEndpointSecret, rotateEndpointSecret } from "../../flow/accounts/secrets.ts";
import { json } from "../reply.ts";
import { deliveryView } from "../views/delivery.ts";
import { endpointView } from "../views/endpoint.ts";
import { secretView } from "../views/secret.ts";
import { route, type Route } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import { delivery as deliverySchema } from "../schemas/delivery.ts";
import {
  endpoint as endpointSchema,
  rotatedSecret,
  rotation,
  secretOutput,
} from "../schemas/endpoint.ts";
import { emptyBody } from "../schemas/request.ts";

const tag = "Endpoints";
const scopes = ["webhooks"] as const;
const params = idPath("endpoint");

function stateRoute(action: "pause" | "resume" | "enable", summary: string): Route {
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
  summary: "Send an `endpoint.test` event to an endpoint",
  params,
  body: emptyBody,
  bodyOptional: true,
  responses: {
    202: {
      description: "The delivery of the test",
      schema: deliverySchema,
      headers: { location: "The delivery" },
    },
  },
  problems: ["id_invalid", "not_found", "endpoint_state"],
  async handler(context, { accountId, params: { id }, requestId, traceId }) {
    const order = { accountId, endpointId: id, requestId, traceId };
    const { delivery } = await testEndpoint(context, order);
    const location = `${context.config.publicUrl}/v1/deliveries/${formatId("delivery", delivery.id)}`;
    return json(202, deliveryView(delivery), { location });
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
  test,
  secret,
  rotate,
];
