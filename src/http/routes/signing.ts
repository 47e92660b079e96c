import { readOriginSecret, rotateAccountSecret } from "../../flow/accounts/secrets.ts";
import { readSigningKeys, rotateSigningKey } from "../../flow/accounts/signing-keys.ts";
import { json } from "../reply.ts";
import { isoTime } from "../views/common.ts";
import { secretView } from "../views/secret.ts";
import { signingKeysView } from "../views/signing-key.ts";
import { route, type Route } from "../route.ts";
import { accountRotated, accountRotation, originQuery, originSecret } from "../schemas/signing.ts";
import { keyRotation, signingKeys } from "../schemas/signing-key.ts";

const tag = "Signing";
const scopes = ["webhooks"] as const;

const keys = route({
  method: "get",
  path: "/v1/signing-key",
  scopes: ["webhooks:read"],
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
  async handler(context, { accountId, body, by }) {
    const { overlap_s, activate_in_s } = body ?? keyRotation.parse({});
    const rotated = await rotateSigningKey(context, {
      accountId,
      overlapS: overlap_s,
      activateInS: activate_in_s,
      by,
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
  async handler(context, { accountId, body, by }) {
    const { overlap_s: overlapS } = body ?? accountRotation.parse({});
    const { previousExpiresAt } = await rotateAccountSecret(context, { accountId, overlapS, by });
    return json(200, { previous_expires_at: isoTime(previousExpiresAt) });
  },
});

export const signingRoutes: Route[] = [keys, rotateKey, secret, rotate];
