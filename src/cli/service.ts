import { Router } from "express";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../config.ts";
import type { Config, Secrets } from "../config.ts";
import { createContext } from "../context.ts";
import type { Context, Overrides } from "../context.ts";
import { migrate } from "../db/migrate.ts";
import { ensureFirstAccount } from "../flow/accounts.ts";
import { adoptMasterKey, followMasterKey } from "../flow/master-key.ts";
import { makePartitions } from "../flow/retain.ts";
import { startStats } from "../flow/flush-stats.ts";
import { createApi } from "../http/app.ts";
import { consoleRouter } from "../http/console.ts";
import { docsRouter } from "../http/docs.ts";
import { shouldUpgradeCallback } from "../http/websocket.ts";
import { startWorker } from "../queue/worker.ts";
import { addDatabaseGauges } from "../queue/gauges.ts";
import { addGauge } from "../telemetry/metrics.ts";
import { openDatabase } from "./database.ts";
import { readGeneratedKeys } from "./generated-keys.ts";
import { masterKeysOf, requireKeysInUse } from "./master-keys.ts";

const GRACE_MS = 10_000;
/** A database that has ended is not worth waiting for. */
const NO_DATABASE_GRACE_MS = 500;

export interface Service {
  context: Context;
  url: string;
  /** In clear when this start made it or development keeps it; null when it was given. */
  apiKey: string | null;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  config: Config;
  secrets: Secrets;
  readableLog?: boolean;
  overrides?: Overrides;
  /** The service can't go on: an embedded database ended by itself. */
  onFatal?(reason: string): void;
}

/**
 * Starts everything the roles ask for: database, migrations, API, workers. When something is
 * wrong, what was started is stopped again.
 * @throws ConfigError one line that names what to change
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await start(options, undo);
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error;
  }
}

async function start(
  { config, secrets, readableLog = false, overrides = {}, onFatal }: ServiceOptions,
  undo: (() => Promise<unknown>)[],
): Promise<Service> {
  const stopping = new AbortController();
  // first, so that a port in use is known before anything else is touched
  const { server, setHandler } = await listen(config);
  undo.push(async () => {
    const closed = close(server);
    // a client that goes on asking "are you ready?" would keep this process half-living for ever
    server.closeAllConnections();
    await closed;
  });
  const { port } = server.address() as AddressInfo;

  const database = await openDatabase(config, secrets);
  undo.push(() => database.stop());
  let graceMs = GRACE_MS;
  database.onExit((reason) => {
    graceMs = NO_DATABASE_GRACE_MS;
    onFatal?.(reason);
  });
  const generated = config.development ? readGeneratedKeys(config.dataDir) : null;
  await migrate(database.url);

  const context = await createContext({
    config: {
      ...config,
      publicUrl: config.publicUrl ?? `http://${hostForLinks(config.host)}:${port}`,
    },
    databaseUrl: database.url,
    masterKeys: masterKeysOf(secrets, generated?.masterKeys ?? []),
    stopping: stopping.signal,
    readableLog,
    overrides,
  });
  undo.push(
    () => context.pool.end(),
    () => context.compute.close(),
    () => context.transport.close(),
    async () => stopping.abort(),
  );
  requireKeysInUse(await adoptMasterKey(context), context.vault, { config, secrets });
  const givenKey = secrets.apiKey?.reveal() ?? generated?.apiKey ?? null;
  const { newKey } = await ensureFirstAccount(context, givenKey);

  await makePartitions(context.pool, context.now());
  addDatabaseGauges(context);
  const works = config.roles.includes("compute") || config.roles.includes("deliver");
  const worker = works ? await startWorker(context) : null;
  if (worker !== null) undo.push(() => worker.stop(0));
  const stats = startStats(context);
  const following = followMasterKey(context);
  const api = createApi(context, Router().use(docsRouter(), consoleRouter()));
  setHandler(api.app);
  server.on("upgrade", api.upgrade);
  addGauge(
    context.telemetry.metrics,
    { name: "ringback_live_listeners", help: "Listeners to live events in this process." },
    () => ({ "": api.live.count() }),
  );

  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    stopping.abort();
    const deadline = performance.now() + graceMs;
    const left = (): number => Math.max(0, deadline - performance.now());
    const closing = close(server);
    await worker?.stop(left());
    const ending = Promise.all([stats.stop(), following.stop()]);
    await Promise.race([ending, sleep(left(), undefined, { ref: false })]);
    await Promise.race([closing, sleep(left(), undefined, { ref: false })]);
    server.closeAllConnections();
    await Promise.race([context.transport.close(), sleep(left(), undefined, { ref: false })]);
    await context.compute.close();
    await Promise.race([context.pool.end(), sleep(1_000, undefined, { ref: false })]);
    await database.stop();
  }
  return {
    context,
    url: context.config.publicUrl,
    apiKey: newKey ?? (secrets.apiKey === null ? givenKey : null),
    stop: () => (stopped ??= stop()),
  };
}

async function listen(
  config: Config,
): Promise<{ server: Server; setHandler(handler: RequestListener): void }> {
  let handler: RequestListener = (_request, response) => {
    response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" });
    response.end(JSON.stringify({ status: 503, code: "unavailable", title: "Starting" }));
  };
  const limits = { requestTimeout: 30_000, headersTimeout: 15_000, shouldUpgradeCallback };
  const server = createServer(limits, (...exchange) => handler(...exchange));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new ConfigError(listenProblem(config, error)));
    });
    server.listen(config.port, config.host, resolve);
  });
  return { server, setHandler: (next) => (handler = next) };
}

function listenProblem({ host, port }: Config, error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE") {
    return `PORT ${port} on ${host} is in use by another program; set PORT to a free one`;
  }
  return `can't listen on ${host}:${port}: ${error.message}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
}

/** An address that listens on all interfaces is no address to call. */
function hostForLinks(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
