import express, { type Express, type Response, type Router } from "express";
import helmet from "helmet";
import type { Context } from "../flow/context.ts";
import { Problem } from "../core/problem.ts";
import { findFinishedJobs } from "../db/jobs/jobs.ts";
import { createActivityFeed, type ActivityFeed } from "../flow/activity/feed.ts";
import { awaitEnds } from "../flow/activity/interest.ts";
import { createAuthenticator, type Authenticate } from "./auth.ts";
import { dispatch, writeReply } from "./dispatch.ts";
import { createErrorHandler } from "./errors.ts";
import type { HttpContext } from "./http-context.ts";
import { createJobWatch } from "./job-watch.ts";
import { createJwks } from "./jwks.ts";
import { nearPath } from "./near-path.ts";
import { openApiRoute } from "./openapi/openapi.ts";
import { requestInfo } from "./request-info.ts";
import type { RequestInfo, Route } from "./route.ts";
import { streamRoutes } from "./routes/activity.ts";
import { routes } from "./routes/index.ts";
import { createSessionRoutes } from "./routes/session.ts";
import { createUpgradeHandler, type UpgradeHandler } from "./streams/websocket.ts";

/** Facts about the request that a response belongs to. */
interface Locals {
  info: RequestInfo;
  /** The pattern of the route that matched. */
  route: string;
  accountId: string | null;
}

function localsOf(response: Response): Locals {
  return response.locals as unknown as Locals;
}

/** The HTTP API as an Express app; see `createApi`. */
export function createApp(context: Context, pages?: Router): Express {
  return createApi(context, pages).app;
}

/**
 * The HTTP API: an Express app, and the handler of its server's WebSockets. The caller listens.
 * @param pages mounted after the API, for instance a console
 * @param leaving aborted when waits and streams are to end, so that clients come back elsewhere
 */
export function createApi(
  context: Context,
  pages?: Router,
  leaving: AbortSignal = context.stopping,
): { app: Express; upgrade: UpgradeHandler; activity: ActivityFeed } {
  const http: HttpContext = {
    ...context,
    watch: createJobWatch({
      notifier: context.notifier,
      awaitEnds: (ids) => awaitEnds(context, ids),
      findFinished: (ids) => findFinishedJobs(context.pool, ids),
      stopping: leaving,
    }),
    activity: createActivityFeed({ ...context, stopping: leaving }),
    jwks: createJwks(context),
  };
  const authenticate = createAuthenticator(http);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("trust proxy", false);
  app.set("case sensitive routing", true);
  app.use(identify(http));
  app.use(securityHeaders(context.config.publicUrl));
  app.use("/v1", (_request, response, next) => {
    response.setHeader("cache-control", "no-store");
    next();
  });
  const all = [...routes, openApiRoute(routes), ...createSessionRoutes(http)];
  const paths = all.map(({ path }) => path);
  mount(app, http, authenticate, all);
  if (pages !== undefined) app.use(pages);
  app.use((request) => {
    const near = nearPath(request.path, paths);
    const hint = near === null ? "" : ` Did you mean ${near}?`;
    throw new Problem("not_found", `There is nothing at ${request.path}.${hint}`);
  });
  app.use(createErrorHandler(context, (response) => localsOf(response).info));
  const upgrade = createUpgradeHandler(http, authenticate, streamRoutes);
  return { app, upgrade, activity: http.activity };
}

function identify({ telemetry, stopping }: HttpContext): express.RequestHandler {
  const open = new Set<Response>();
  // each connection ends with its next answer, also with one that is awaited now
  stopping.addEventListener("abort", () => open.forEach(closeAfter));
  return function identifyRequest(request, response, next) {
    const info = requestInfo(request, response);
    const locals: Locals = { info, route: "none", accountId: null };
    Object.assign(response.locals, locals);
    response.setHeader("x-request-id", info.requestId);
    if (stopping.aborted) closeAfter(response);
    open.add(response);
    response.once("close", () => {
      open.delete(response);
      const { route, accountId } = localsOf(response);
      telemetry.requestFinished({
        method: request.method,
        route,
        // The client went before it had its answer.
        status: response.writableFinished ? response.statusCode : 499,
        durationMs: performance.now() - info.startedAt,
        requestId: info.requestId,
        accountId,
      });
    });
    next();
  };
}

function closeAfter(response: Response): void {
  if (!response.headersSent) response.setHeader("connection", "close");
}

function securityHeaders(publicUrl: string): express.RequestHandler {
  const https = publicUrl.startsWith("https:");
  return helmet({
    strictTransportSecurity: https,
    contentSecurityPolicy: {
      directives: https ? {} : { upgradeInsecureRequests: null },
    },
  });
}

function mount(
  app: Express,
  http: HttpContext,
  authenticate: Authenticate,
  all: readonly Route[],
): void {
  for (const [path, group] of Map.groupBy(all, (one) => one.path)) {
    const target = app.route(path.replaceAll(/\{(\w+)\}/g, ":$1"));
    for (const one of group) {
      target[one.method](async (request, response) => {
        const locals = localsOf(response);
        locals.route = path;
        const { reply, accountId } = await dispatch(http, authenticate, one, locals.info, request);
        locals.accountId = accountId;
        writeReply(response, reply);
      });
    }
    const allow = group
      .flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]))
      .join(", ");
    target.all((request) => {
      throw new Problem("method_not_allowed", `${request.method} is not possible here.`, {
        headers: { allow },
      });
    });
  }
}
