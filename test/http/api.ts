import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import request from "supertest";
import { createApi } from "../../src/http/app.ts";
import { shouldUpgradeCallback } from "../../src/http/streams/websocket.ts";
import { describeApi, openApiRoute } from "../../src/http/openapi/openapi.ts";
import type { Route } from "../../src/http/route.ts";
import { routes } from "../../src/http/routes/index.ts";
import { problem } from "../../src/http/schemas/problem.ts";
import {
  createTestContext,
  type TestContext,
  type TestContextOptions,
} from "../support/context.ts";

export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Parsed when it is JSON. */
  body: Record<string, unknown>;
  text: string;
}

export interface Ask {
  /** Null: none. Default: the admin key. */
  key?: string | null;
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is. */
  raw?: string;
}

export interface TestApi extends TestContext {
  server: Server;
  port: number;
  /** The process begins to stop, as far as the API can tell. */
  beginStop(): void;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
}

export const allRoutes: readonly Route[] = [...routes, openApiRoute(routes)];

/** The API on a real port. Every answer is held against the schema its route declares. */
export async function startApi(options: TestContextOptions = {}): Promise<TestApi> {
  const parts = await createTestContext(options);
  const stopping = new AbortController();
  const signal = AbortSignal.any([parts.context.stopping, stopping.signal]);
  const { app, upgrade } = createApi({ ...parts.context, stopping: signal });
  const server = createServer({ shouldUpgradeCallback }, app);
  server.on("upgrade", upgrade);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  async function ask(method: string, path: string, what: Ask = {}): Promise<Answer> {
    let call = request(server)[method.toLowerCase() as "get"](path).redirects(0);
    const key = what.key === undefined ? parts.apiKey : what.key;
    if (key !== null) call = call.set("authorization", `Bearer ${key}`);
    if (what.body !== undefined) {
      call = call.set("content-type", "application/json").send(JSON.stringify(what.body));
    }
    for (const [name, value] of Object.entries(what.headers ?? {})) call = call.set(name, value);
    if (what.raw !== undefined) call = call.send(what.raw);
    const answer = (await call.ok(() => true)) as unknown as Answer;
    checkAnswer(method, path, answer);
    return answer;
  }

  return {
    ...parts,
    server,
    port,
    beginStop: () => stopping.abort(),
    ask,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await parts.stop();
    },
  };
}

function routeOf(method: string, path: string): Route | undefined {
  const bare = path.split("?")[0] ?? "";
  const verb = method.toLowerCase() === "head" ? "get" : method.toLowerCase();
  return allRoutes.find(
    (one) =>
      one.method === verb && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(bare),
  );
}

/** Throws when an answer is not one that the route's description promises. */
export function checkAnswer(method: string, path: string, answer: Answer): void {
  if (answer.headers["x-request-id"] === undefined) throw new Error("no x-request-id");
  const type = answer.headers["content-type"] ?? "";
  if (method.toLowerCase() === "head") return;
  if (type.startsWith("application/problem+json")) {
    problem.parse(JSON.parse(answer.text));
    return;
  }
  const declared = routeOf(method, path)?.responses[answer.status];
  if (declared === undefined) {
    throw new Error(`${method} ${path} answered ${answer.status}, which it does not declare`);
  }
  if (declared.schema === undefined) {
    if (answer.text !== "" && answer.text !== undefined) throw new Error("a body was not declared");
    return;
  }
  if (!type.startsWith(declared.contentType ?? "application/json")) {
    throw new Error(`${method} ${path} answered with ${type}`);
  }
  declared.schema.parse(
    type.startsWith("application/json") ? JSON.parse(answer.text) : answer.text,
  );
}

export function description() {
  return describeApi(allRoutes, { publicUrl: "http://ringback.test", version: "0.0.0" });
}

/** Rows per table: what a refused request must leave as it was. */
export async function countRows({ database }: TestContext): Promise<Record<string, number>> {
  const tables = [
    "jobs",
    "unfinished_jobs",
    "job_ends",
    "idempotency_records",
    "endpoints",
    "signing_secrets",
    "lanes",
    "messages",
    "deliveries",
    "attempts",
    "dead_letters",
    "replays",
    "accounts",
    "graphile_worker.jobs",
  ];
  const { rows } = await database.pool.query<{ name: string; n: number }>({
    name: "count_rows",
    text: tables
      .map((table) => `select '${table}' as name, count(*)::int as n from ${table}`)
      .join(" union all "),
  });
  return Object.fromEntries(rows.map(({ name, n }) => [name, n]));
}
