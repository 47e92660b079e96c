import { z } from "zod";
import { Problem } from "../../core/problem.ts";
import { MOST_KEYS } from "../jwks.ts";
import { jsonText } from "../reply.ts";
import { route, type Route } from "../route.ts";
import { idParam } from "../schemas/common.ts";
import { jwks, kidText } from "../schemas/signing-key.ts";

const tag = "Signing";
/** A cache time shorter than the time for which a new key is published before it signs. */
const CACHED = { "cache-control": "public, max-age=300" };
const responses = {
  200: {
    description: "A JSON Web Key Set (RFC 7517, RFC 8037)",
    schema: jwks,
    headers: { "cache-control": "For how long it may be kept" },
  },
};

const all = route({
  method: "get",
  path: "/.well-known/jwks.json",
  scopes: null,
  operationId: "getJwks",
  tag,
  summary: "The public keys of all accounts, or the one with an id",
  description: `Keys that sign or will, the newest first, ${MOST_KEYS} at most: where there are more accounts, give \`kid\`, or ask for those of one account. A \`kid\` that is unknown, or has ended, gives an empty set.`,
  query: z.strictObject({ kid: kidText.optional() }),
  responses,
  problems: ["query_invalid", "unavailable"],
  async handler({ jwks: sets }, { query: { kid } }) {
    return jsonText(200, (await sets.read(kid === undefined ? "all" : { kid }))!, CACHED);
  },
});

const ofAccount = route({
  method: "get",
  path: "/v1/accounts/{account_id}/jwks.json",
  scopes: null,
  operationId: "getAccountJwks",
  tag,
  summary: "The public keys of an account, with which its `v1a` signatures are verified",
  description: "Those that sign, and one that will, the newest first.",
  params: z.strictObject({ account_id: idParam("account") }),
  responses,
  problems: ["id_invalid", "not_found", "unavailable"],
  async handler({ jwks: sets }, { params: { account_id: accountId } }) {
    const set = await sets.read({ accountId });
    if (set === null) throw new Problem("not_found", "There is no such account.");
    return jsonText(200, set, CACHED);
  },
});

export const jwksRoutes: Route[] = [all, ofAccount];
