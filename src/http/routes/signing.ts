import { getPublicKey } from "../../db/accounts.ts";
import { readOriginSecret, rotateAccountSecret } from "../../flow/secrets.ts";
import { json } from "../reply.ts";
import { isoTime } from "../representations/common.ts";
import { secretView } from "../representations/secret.ts";
import { route, type Route } from "../route.ts";
import { publicKey } from "../schemas/endpoint.ts";
import { accountRotated, accountRotation, originQuery, originSecret } from "../schemas/signing.ts";

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
  summary: "Read the secret that signs for the callback URLs of an origin",
  description:
    "Each origin has one of its own, so that a receiver can't forge calls to another. A callback that was given a `secret` is signed with that instead.",
  query: originQuery,
  responses: { 200: { description: "The current secret", schema: originSecret } },
  problems: ["query_invalid"],
  async handler(context, { accountId, query: { origin } }) {
    const { secret: text, ...rest } = secretView(
      await readOriginSecret(context, { accountId, origin }),
    );
    return json(200, { secret: text, origin, ...rest });
  },
});

const rotate = route({
  method: "post",
  path: "/v1/signing-secret/rotate",
  scopes,
  operationId: "rotateSigningSecret",
  tag,
  summary: "Make new secrets for the callback URLs of all origins",
  description:
    "The previous ones sign beside them for `overlap_s` seconds. `GET /v1/signing-secret` tells the new one of an origin.",
  body: accountRotation,
  bodyOptional: true,
  responses: { 200: { description: "Until when the old ones sign", schema: accountRotated } },
  problems: [],
  async handler(context, { accountId, body }) {
    const { overlap_s: overlapS } = body ?? accountRotation.parse({});
    const { previousExpiresAt } = await rotateAccountSecret(context, { accountId, overlapS });
    return json(200, { previous_expires_at: isoTime(previousExpiresAt) });
  },
});

export const signingRoutes: Route[] = [key, secret, rotate];
