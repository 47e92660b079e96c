import { Problem } from "../../core/problem.ts";
import type { Account } from "../../core/account.ts";
import { formatId } from "../../core/ids.ts";
import { getAccount, listAccounts } from "../../db/accounts/accounts.ts";
import { createApiKey } from "../../flow/accounts/api-keys.ts";
import { changeAccount, createAccount, deleteAccount } from "../../flow/accounts/change-account.ts";
import { json } from "../reply.ts";
import { route, type Route } from "../route.ts";
import {
  account as accountSchema,
  accountChanges,
  accountInput,
  accountsQuery,
  type AccountBody,
} from "../schemas/account.ts";
import { apiKeyInput, apiKeyWithText } from "../schemas/api-key.ts";
import { idPath, pageOf } from "../schemas/common.ts";
import { apiKeyView } from "../views/api-key.ts";
import { isoTime } from "../views/common.ts";
import { pageReply } from "../views/page.ts";

const tag = "Accounts";
const scopes = ["operator"] as const;

const list = route({
  method: "get",
  path: "/v1/accounts",
  scopes,
  operationId: "listAccounts",
  tag,
  summary: "List accounts, newest first",
  query: accountsQuery,
  responses: { 200: { description: "A page of accounts", schema: pageOf(accountSchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler({ lookups }, { accountId, query }) {
    return await pageReply(
      "accounts",
      query,
      (page) => listAccounts(lookups, { state: query.state, ...page }),
      (one) => JSON.stringify(accountView(one, accountId)),
    );
  },
});

const create = route({
  method: "post",
  path: "/v1/accounts",
  scopes,
  operationId: "createAccount",
  tag,
  summary: "Make an account",
  description: "Its first key comes from `POST /v1/accounts/{id}/api-keys`.",
  body: accountInput,
  responses: {
    201: {
      description: "The account",
      schema: accountSchema,
      headers: { location: "The account" },
    },
  },
  problems: ["account_name_taken"],
  async handler(context, { accountId, body, by }) {
    const made = await createAccount(context, { ...body, operatorId: accountId, by });
    const location = `${context.config.publicUrl}/v1/accounts/${formatId("account", made.id)}`;
    return json(201, accountView(made, accountId), { location });
  },
});

const get = route({
  method: "get",
  path: "/v1/accounts/{id}",
  scopes,
  operationId: "getAccount",
  tag,
  summary: "Look at an account, and at how far its deletion is",
  params: idPath("account"),
  responses: { 200: { description: "The account", schema: accountSchema } },
  problems: ["id_invalid", "not_found"],
  async handler({ pool }, { accountId, params }) {
    const found = await getAccount(pool, params.id);
    if (found === null) throw new Problem("not_found", "There is no such account.");
    return json(200, accountView(found, accountId));
  },
});

const change = route({
  method: "patch",
  path: "/v1/accounts/{id}",
  scopes,
  operationId: "updateAccount",
  tag,
  summary: "Rename, suspend or resume an account",
  description:
    "Fields that are left out stay as they are. Keys of a suspended account go on reading; all else is refused as `account_suspended`, by other processes after 5 s at most.",
  params: idPath("account"),
  body: accountChanges,
  responses: { 200: { description: "The account as it is now", schema: accountSchema } },
  problems: ["id_invalid", "not_found", "account_name_taken", "account_state"],
  async handler(context, { accountId, params, body, by }) {
    const order = { accountId: params.id, changes: body, operatorId: accountId, by };
    return json(200, accountView(await changeAccount(context, order), accountId));
  },
});

const remove = route({
  method: "delete",
  path: "/v1/accounts/{id}",
  scopes,
  operationId: "deleteAccount",
  tag,
  summary: "Delete an account with all its data",
  description:
    "Its keys stop working at once, its jobs are canceled, and its rows are deleted in steps: `deleted_rows` counts them. Its name is free again when its state is `deleted`.",
  params: idPath("account"),
  responses: { 202: { description: "The account, being deleted", schema: accountSchema } },
  problems: ["id_invalid", "not_found", "account_state"],
  async handler(context, { accountId, params, by }) {
    const order = { accountId: params.id, operatorId: accountId, by };
    return json(202, accountView(await deleteAccount(context, order), accountId));
  },
});

const createKey = route({
  method: "post",
  path: "/v1/accounts/{id}/api-keys",
  scopes,
  operationId: "createAccountApiKey",
  tag,
  summary: "Make an API key of an account",
  params: idPath("account"),
  body: apiKeyInput,
  responses: { 201: { description: "The key, shown this once", schema: apiKeyWithText } },
  problems: ["id_invalid", "not_found", "account_state", "endpoint_unknown"],
  async handler(context, { params, body, by }) {
    const { name, endpoint_ids = null } = body;
    const wanted = { accountId: params.id, name, scopes: body.scopes, endpointIds: endpoint_ids };
    const { key, text } = await createApiKey(context, { ...wanted, by });
    return json(201, { ...apiKeyView(key, ""), key: text });
  },
});

function accountView(found: Account, ownId: string): AccountBody {
  const { id, state_reason, state_changed_at, created_at, ...rest } = found;
  return {
    id: formatId("account", id),
    ...rest,
    reason: state_reason,
    state_changed_at: isoTime(state_changed_at),
    created_at: isoTime(created_at),
    current: id === ownId,
  };
}

export const accountRoutes: Route[] = [list, create, get, change, remove, createKey];
