import type { z } from "zod";
import type { Author } from "../core/audit.ts";
import type { Principal, Scope } from "../core/model.ts";
import type { Permission } from "../core/portal.ts";
import type { ProblemCode } from "../core/problem.ts";
import type { HttpContext } from "./http-context.ts";
import type { Reply } from "./reply.ts";

export type Method = "get" | "post" | "patch" | "delete";

/** The idempotency key of a request and the fingerprint that repeats must match. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

/** The facts about one request that no schema describes. */
export interface RequestInfo {
  requestId: string;
  /** 32 hex digits, of the caller's trace or a new one. */
  traceId: string;
  /** The time of arrival, by `performance.now()`. */
  startedAt: number;
  /** The address of the connection: a proxy's, if there is one. */
  remoteAddress: string;
  header(name: string): string | undefined;
  /** Aborted when the client has gone before it got its answer. */
  disconnected(): AbortSignal;
}

/** A request that passed authentication and its schemas. */
export interface RouteCall<Params, Query, Body> extends RequestInfo, Principal {
  params: Params;
  query: Query;
  body: Body;
  /** The members of the body as JSON texts, as posted except for whitespace. */
  posted(): ReadonlyMap<string, string>;
  /** The lines of a body of JSON Lines, as they come in. */
  lines(): AsyncIterable<Buffer>;
  /** The path of the request, without its query. */
  path: string;
  idempotency: Idempotency | null;
  /** Who changes something, for the audit log. */
  by: Author;
}

/** The parts that a call without a body has not. */
export type BodyParts = "by" | "idempotency" | "body" | "posted" | "lines" | "path";

export interface ResponseSpec {
  description: string;
  /** Absent: no body. */
  schema?: z.ZodType;
  /** Absent: JSON. */
  contentType?: string;
  /** Response headers worth documenting: name → description. */
  headers?: Record<string, string>;
}

/** Request headers worth documenting. */
export interface HeaderSpec {
  description: string;
  example?: string;
}

/**
 * What leads to the endpoint: `endpoint`, `delivery` and `replay` are what `{id}` names; `query` and
 * `filter` name it as `endpoint_id`; `handler` looks at `call.endpointIds` by itself.
 */
export type EndpointBinding = "endpoint" | "delivery" | "replay" | "query" | "filter" | "handler";

interface Definition {
  method: Method;
  /** The path with parameters as in OpenAPI: `/v1/jobs/{id}`. */
  path: string;
  /** Any of these, or one that implies it, is enough; null: no key needed. */
  scopes: readonly Scope[] | null;
  /** How it keeps to the endpoints of a principal that is bound to some; absent: it refuses one. */
  endpoints?: EndpointBinding;
  /** What such a principal must be permitted; absent: nothing would do. */
  permission?: Permission;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  headers?: Record<string, HeaderSpec>;
  /** Whether the route takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** The schema of each line, when the body is JSON Lines. */
  line?: z.ZodType;
  responses: Record<number, ResponseSpec>;
  /** Problems that it may answer beside those of every route. */
  problems: readonly ProblemCode[];
}

/** A route with its types folded in; made by `route`. */
export interface Route extends Definition {
  params: z.ZodObject | null;
  query: z.ZodObject | null;
  body: z.ZodType | null;
  /** Whether the body may be left out altogether. */
  bodyOptional: boolean;
  handle(context: HttpContext, call: RouteCall<unknown, unknown, unknown>): Promise<Reply>;
}

/**
 * Declares one route: its path, its callers, its input and output. The same schemas guard the
 * request, describe it in OpenAPI and check the answers in tests.
 */
export function route<
  Params extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Query extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Body extends z.ZodType = z.ZodUndefined,
>(
  definition: Definition & {
    params?: Params;
    query?: Query;
    body?: Body;
    bodyOptional?: boolean;
    handler(
      context: HttpContext,
      call: RouteCall<z.output<Params>, z.output<Query>, z.output<Body>>,
    ): Promise<Reply>;
  },
): Route {
  const { params, query, body, bodyOptional, handler, ...rest } = definition;
  return {
    ...rest,
    params: params ?? null,
    query: query ?? null,
    body: body ?? null,
    bodyOptional: bodyOptional ?? false,
    // The dispatcher fills these from the same schemas, so the types agree.
    handle: (context, call) =>
      handler(context, call as RouteCall<z.output<Params>, z.output<Query>, z.output<Body>>),
  };
}
