import type { Request, Response } from "express";
import { parseJson, type JsonDocument } from "../core/json.ts";
import { memberTexts } from "../core/json-text.ts";
import type { Principal } from "../core/model.ts";
import type { Authenticate } from "./auth.ts";
import { ownBody, ownQuery, requireAccess, requireOwnTarget } from "./access.ts";
import { readBody } from "./body.ts";
import type { HttpContext } from "./http-context.ts";
import { fingerprint, keepErrors, parseIdempotencyKey } from "./idempotency.ts";
import { readLines } from "./lines.ts";
import type { Reply } from "./reply.ts";
import type { RequestInfo, Route } from "./route.ts";
import { parseParameters, parseWith } from "./validation.ts";

/** The principal of routes that need none. */
const NOBODY: Principal = {
  accountId: "",
  keyId: "",
  sessionId: null,
  scopes: [],
  endpointIds: null,
  portal: null,
  suspended: false,
  actor: { type: "system", id: null, name: "" },
};

/** Takes a request through a route: caller, parameters, body, and then the handler. */
export async function dispatch(
  context: HttpContext,
  authenticate: Authenticate,
  route: Route,
  info: RequestInfo,
  request: Request,
): Promise<{ reply: Reply; accountId: string | null }> {
  const caller = route.scopes === null ? null : await authenticate(info, request.method);
  const principal = caller ?? NOBODY;
  if (caller !== null) requireAccess(route, caller);
  const { accountId } = principal;
  const params =
    route.params === null ? {} : parseParameters(route.params, request.params, "id_invalid");
  const query =
    route.query === null
      ? {}
      : parseParameters(
          route.query,
          ownQuery(route, principal, queryValues(request.url)),
          "query_invalid",
        );
  await requireOwnTarget(context, route, principal, params as Record<string, unknown>);
  const key = route.idempotent === true ? info.header("idempotency-key") : undefined;
  const idempotencyKey = key === undefined ? null : parseIdempotencyKey(key);
  const document = route.body === null ? null : await readJson(request, route.bodyOptional);
  const path = pathOf(request);
  const idempotency =
    idempotencyKey === null
      ? null
      : {
          key: idempotencyKey,
          fingerprint: fingerprint(request.method, path, document?.text ?? ""),
        };

  const work = async (): Promise<Reply> => {
    const body =
      route.body === null || document === null
        ? undefined
        : await parseWith(
            route.body,
            ownBody(route, principal, document.value),
            "validation_failed",
          );
    return await route.handle(context, {
      ...info,
      ...principal,
      params,
      query,
      body,
      posted: () => memberTexts(document?.text ?? "{}"),
      lines: () => readLines(request),
      path,
      idempotency,
      by: {
        actor: principal.actor,
        address: info.remoteAddress,
        requestId: info.requestId,
      },
    });
  };
  const reply =
    idempotency === null
      ? await work()
      : await keepErrors(
          context,
          { accountId, path, requestId: info.requestId, idempotency },
          work,
        );
  return { reply, accountId: caller?.accountId ?? null };
}

export function pathOf(request: Pick<Request, "originalUrl">): string {
  const end = request.originalUrl.indexOf("?");
  return end === -1 ? request.originalUrl : request.originalUrl.slice(0, end);
}

/** The parameters of a query. A repeated one becomes an array, which no schema takes. */
export function queryValues(url: string): Record<string, unknown> {
  const start = url.indexOf("?");
  if (start === -1) return {};
  const search = new URLSearchParams(url.slice(start + 1));
  const names = [...new Set(search.keys())];
  return Object.fromEntries(
    names.map((name) => {
      const values = search.getAll(name);
      return [name, values.length === 1 ? values[0] : values];
    }),
  );
}

/** Reads the body. Null: there is none, and none is needed. */
async function readJson(request: Request, optional: boolean): Promise<JsonDocument | null> {
  const bytes = await readBody(request, optional);
  return optional && bytes.length === 0 ? null : parseJson(bytes);
}

/** Writes a reply. Never throws for a client that has gone. */
export function writeReply(response: Response, reply: Reply): void {
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  if (reply.stream !== undefined) {
    if (response.req.method === "HEAD") response.end();
    else reply.stream(response);
    return;
  }
  if (reply.body === null) {
    if (reply.status !== 204 && reply.status !== 304) response.setHeader("content-length", "0");
    response.end();
  } else {
    response.setHeader("content-length", String(Buffer.byteLength(reply.body)));
    response.end(reply.body);
  }
}
