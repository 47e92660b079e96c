import type { ErrorRequestHandler, Request, Response } from "express";
import { discardBody, MAX_BODY_BYTES } from "./body.ts";
import { pathOf } from "./dispatch.ts";
import type { HttpContext } from "./http-context.ts";
import { problemBody, toProblem } from "./problems.ts";
import type { RequestInfo } from "./route.ts";

/** The last handler: each error becomes a problem, and an unexpected one also a log line. */
export function createErrorHandler(
  context: Pick<HttpContext, "telemetry">,
  infoOf: (response: Response) => RequestInfo,
): ErrorRequestHandler {
  // Express knows an error handler by its four parameters.
  return function handleError(error: unknown, request: Request, response: Response, _next) {
    const { requestId } = infoOf(response);
    const { problem, unexpected } = toProblem(error);
    if (unexpected) context.telemetry.unexpectedError(error, { request_id: requestId });
    else if (problem.code === "unavailable") {
      const message = error instanceof Error ? error.message : String(error);
      context.telemetry.log.warn("unavailable", { request_id: requestId, error: message });
    }
    if (response.headersSent) return void response.destroy();

    const body = problemBody(problem, pathOf(request), requestId);
    response.statusCode = problem.status;
    response.setHeader("content-type", "application/problem+json");
    response.setHeader("content-length", String(Buffer.byteLength(body)));
    for (const [name, value] of Object.entries(problem.headers)) response.setHeader(name, value);
    if (!hasLongRest(request)) return void response.end(body);
    response.setHeader("connection", "close");
    // The client has the whole answer by its length; only the connection stays open a little.
    response.write(body);
    discardBody(request, () => response.end());
  };
}

/** Whether the rest of the body may be too long to keep the connection. */
function hasLongRest(request: Request): boolean {
  if (request.complete) return false;
  return (
    request.headers["transfer-encoding"] !== undefined ||
    Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES
  );
}
