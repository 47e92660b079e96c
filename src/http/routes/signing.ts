import { readSecret, rotateSecret } from "../../flow/secrets.ts";
import { readSigningKeys, rotateSigningKey } from "../../flow/signing-keys.ts";
import { json } from "../reply.ts";
import { secretView } from "../representations/secret.ts";
import { signingKeysView } from "../representations/signing-key.ts";
import { route, type Route } from "../route.ts";
import { rotatedSecret, rotation, secretOutput } from "../schemas/endpoint.ts";
import { keyRotation, signingKeys } from "../schemas/signing-key.ts";

const tag = "Signing";
const scopes = ["webhooks"] as const;

const keys = route({
  method: "get",
  path: "/v1/signing-key",
  scopes,
  operationId: "getSigningKey",
  tag,
  summary:
    "The public key that verifies `v1a` signatures of this account, the one before and the next",
  responses: { 200: { description: "The current key, with the others", schema: signingKeys } },
  problems: [],
  async handler({ pool, config }, { accountId }) {
    return json(
      200,
      signingKeysView(await readSigningKeys(pool, accountId), accountId, config.publicUrl),
    );
  },
});

const rotateKey = route({
  method: "post",
  path: "/v1/signing-key/rotate",
  scopes,
  operationId: "rotateSigningKey",
  tag,
  summary: "Make a new key for `v1a` signatures",
  description:
    "It is published at once as `next` and signs after `activate_in_s` seconds; the current one signs beside it for `overlap_s` more. A `next` that has not begun is dropped for it. Two keys sign at most: a `previous` one ends when the new one begins.",
  body: keyRotation,
  bodyOptional: true,
  responses: { 200: { description: "The keys as they are now", schema: signingKeys } },
  problems: [],
  async handler(context, { accountId, body }) {
    const { overlap_s, activate_in_s } = body ?? keyRotation.parse({});
    const rotated = await rotateSigningKey(context, {
      accountId,
      overlapS: overlap_s,
      activateInS: activate_in_s,
    });
    return json(200, signingKeysView(rotated, accountId, context.config.publicUrl));
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

export const signingRoutes: Route[] = [keys, rotateKey, secret, rotate];
