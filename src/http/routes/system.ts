import { hash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { didYouMean } from "../../core/nearest.ts";
import { PROBLEMS, Problem, type ProblemCode } from "../../core/problem.ts";
import { findAccountByName } from "../../db/accounts/accounts.ts";
import type { HttpContext } from "../http-context.ts";
import { json, type Reply } from "../reply.ts";
import { route, type Route } from "../route.ts";

const tag = "System";
const READY_MS = 1_000;

const health = route({
  method: "get",
  path: "/healthz",
  scopes: null,
  operationId: "getHealth",
  tag,
  summary: "Whether the process is alive",
  responses: { 200: { description: "It is", schema: z.strictObject({ status: z.literal("ok") }) } },
  problems: [],
  async handler() {
    return json(200, { status: "ok" });
  },
});

const readiness = z.strictObject({
  status: z.enum(["ready", "not_ready"]),
  reasons: z.array(z.string()),
});

const ready = route({
  method: "get",
  path: "/readyz",
  scopes: null,
  operationId: "getReadiness",
  tag,
  summary: "Whether the process can take requests",
  description: "The database answers, its schema is there, and the process is not stopping.",
  responses: {
    200: { description: "It can", schema: readiness },
    503: { description: "It can't, and why", schema: readiness },
  },
  problems: [],
  async handler(context) {
    const reasons = [
      ...(context.stopping.aborted ? ["the process is stopping"] : []),
      ...(await databaseFaults(context)),
    ];
    const status = reasons.length === 0 ? "ready" : "not_ready";
    return json(reasons.length === 0 ? 200 : 503, { status, reasons });
  },
});

async function databaseFaults(context: Pick<HttpContext, "pool">): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve(["the database does not answer"]), READY_MS);
  });
  const answer = findAccountByName(context.pool, "").then(
    () => [],
    (error: unknown) => [
      (error as { code?: unknown }).code === "42P01"
        ? "the database is not migrated"
        : "the database can't be reached",
    ],
  );
  return await Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

const metrics = route({
  method: "get",
  path: "/metrics",
  scopes: null,
  operationId: "getMetrics",
  tag,
  summary: "Metrics for Prometheus",
  description:
    "Open, like the health checks, unless RINGBACK_METRICS_TOKEN is set: no label holds an id or anything of an account. Gauges of the database are up to 5 s old.",
  responses: {
    200: { description: "The page", contentType: "text/plain", schema: z.string() },
  },
  problems: ["unauthenticated"],
  async handler(context, { header }): Promise<Reply> {
    checkToken(context.config.metricsToken, header("authorization"));
    const { contentType, text } = await context.telemetry.metrics.render();
    return { status: 200, headers: { "content-type": contentType }, body: text };
  },
});

/** @throws Problem unauthenticated */
function checkToken(
  token: NonNullable<HttpContext["config"]["metricsToken"]> | null,
  authorization: string | undefined,
): void {
  if (token === null) return;
  const given = /^Bearer +(.*)$/i.exec(authorization ?? "")?.[1] ?? "";
  const [one, other] = [given, token.reveal()].map((text) => hash("sha256", text, "buffer"));
  if (timingSafeEqual(one!, other!)) return;
  throw new Problem("unauthenticated", "Send authorization: Bearer and the metrics token.", {
    headers: { "www-authenticate": 'Bearer realm="ringback metrics"' },
  });
}

function isCode(text: string): text is ProblemCode {
  return Object.hasOwn(PROBLEMS, text);
}

const problemCode = route({
  method: "get",
  path: "/problems/{code}",
  scopes: null,
  operationId: "getProblem",
  tag,
  summary: "What a problem type means",
  description: "The `type` of every problem leads here.",
  params: z.strictObject({ code: z.string().max(100).meta({ example: "validation_failed" }) }),
  responses: {
    200: {
      description: "The problem type",
      schema: z.strictObject({
        code: z.string(),
        status: z.int(),
        title: z.string(),
        help: z.string().meta({ description: "What it means, and what to do" }),
      }),
    },
  },
  problems: ["not_found"],
  async handler(_context, { params: { code } }) {
    if (!isCode(code)) {
      const hint = didYouMean(code, Object.keys(PROBLEMS));
      throw new Problem("not_found", `There is no such problem type.${hint}`);
    }
    const [status, title, help] = PROBLEMS[code];
    return json(200, { code, status, title, help });
  },
});

export const systemRoutes: Route[] = [health, ready, metrics, problemCode];
