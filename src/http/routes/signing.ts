import { getPublicKey } from "../../db/accounts.ts";
import { readSecret, rotateSecret } from "../../flow/secrets.ts";
import { json } from "../reply.ts";
import { secretView } from "../representations/secret.ts";
import { route, type Route } from "../route.ts";
import { publicKey, rotatedSecret, rotation, secretOutput } from "../schemas/endpoint.ts";

const tag = "Signing";
const scopes = ["webhooks"] as const;

const key = route({
  method: "get",
  path: "/v1/signing-key",
  scopes,
  operationId: "getSigningKey",
  tag,
  summary: "The public key that verifies every `v1a` signature of this account",
  responses: { 200: { description: "The key", schema: publicKey } },
  problems: [],
  async handler(context, { accountId }) {
    return json(200, { public_key: await getPublicKey(context.pool, accountId) });
  },
});

const secret = route({
  method: "get",
  path: "/v1/signing-secret",
  scopes,
  operationId: "getSigningSecret",
  tag,
  summary: "Read the secret that signs for callback URLs",
  responses: { 200: { description: "The current secret", schema: secretOutput } },
  problems: [],
  async handler(context, { accountId }) {
    return json(200, secretView(await readSecret(context, { accountId, endpointId: null })));
  },
});

const rotate = route({
  method: "post",
  path: "/v1/signing-secret/rotate",
  scopes,
  operationId: "rotateSigningSecret",
  tag,
  summary: "Make a new secret for callback URLs",
  description: "The previous one signs beside it for `overlap_s` seconds.",
  body: rotation,
  bodyOptional: true,
  responses: { 200: { description: "The new secret", schema: rotatedSecret } },
  problems: [],
  async handler(context, { accountId, body }) {
    const { overlap_s, secret: chosen } = body ?? rotation.parse({});
    const rotated = await rotateSecret(context, {
      accountId,
      endpointId: null,
      overlapS: overlap_s,
      secret: chosen ?? null,
    });
    return json(200, secretView(rotated));
  },
});

export const signingRoutes: Route[] = [key, secret, rotate];
