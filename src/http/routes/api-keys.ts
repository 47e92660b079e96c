import { z } from "zod";
import { listApiKeys } from "../../db/accounts/api-keys.ts";
import { createApiKey, revokeApiKey } from "../../flow/accounts/api-keys.ts";
import { json, noContent } from "../reply.ts";
import { apiKeyView } from "../views/api-key.ts";
import { pageReply } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { idPath, pageOf, pageQuery } from "../schemas/common.ts";
import { apiKey as apiKeySchema, apiKeyInput, apiKeyWithText } from "../schemas/api-key.ts";

const tag = "API keys";
const list = route({
  method: "get",
  path: "/v1/api-keys",
  scopes: ["admin:read"],
  operationId: "listApiKeys",
  tag,
  summary: "List API keys, newest first, revoked ones as well",
  query: z.strictObject(pageQuery),
  responses: { 200: { description: "A page of keys", schema: pageOf(apiKeySchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler({ lookups }, { accountId, keyId, query }) {
    return await pageReply(
      "api-keys",
      query,
      (page) => listApiKeys(lookups, accountId, page),
      (key) => JSON.stringify(apiKeyView(key, keyId)),
    );
  },
});

const create = route({
  method: "post",
  path: "/v1/api-keys",
  scopes: ["admin"],
  operationId: "createApiKey",
  tag,
  summary: "Make an API key",
  body: apiKeyInput,
  responses: { 201: { description: "The key, shown this once", schema: apiKeyWithText } },
  problems: ["endpoint_unknown"],
  async handler(context, { accountId, keyId, body, by }) {
    const { name, endpoint_ids = null } = body;
    const wanted = { accountId, name, scopes: body.scopes, endpointIds: endpoint_ids, by };
    const { key, text } = await createApiKey(context, wanted);
    return json(201, { ...apiKeyView(key, keyId), key: text });
  },
});

const revoke = route({
  method: "delete",
  path: "/v1/api-keys/{id}",
  scopes: ["admin"],
  operationId: "revokeApiKey",
  tag,
  summary: "Revoke an API key",
  description:
    "Other processes may take it for 5 s more. Its sessions and streams end as well. The last admin key can't be revoked.",
  params: idPath("key"),
  responses: { 204: { description: "Revoked" } },
  problems: ["id_invalid", "not_found", "last_admin_key"],
  async handler(context, { accountId, params, by }) {
    await revokeApiKey(context, { accountId, keyId: params.id, by });
    return noContent();
  },
});

export const apiKeyRoutes: Route[] = [list, create, revoke];
