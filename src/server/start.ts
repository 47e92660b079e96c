import { Router } from "express";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Config, Secrets } from "../config.ts";
import type { Context } from "../flow/context.ts";
import { createContext } from "./create-context.ts";
import type { Overrides } from "./create-context.ts";
import { migrate } from "../db/migrate.ts";
import { ensureFirstAccount } from "../flow/accounts/accounts.ts";
import { adoptMasterKey, followMasterKey } from "../flow/accounts/master-key.ts";
import { followClock } from "../flow/maintenance/follow-clock.ts";
import { makePartitionsIfFree } from "../flow/maintenance/retain.ts";
import { startStats } from "../flow/maintenance/flush-stats.ts";
import { createApi } from "../http/app.ts";
import { consoleRouter } from "../http/console-static.ts";
import { docsRouter } from "../http/docs.ts";
import { startWorker } from "./worker.ts";
import { addGauges } from "./gauges.ts";
import { addGauge } from "../telemetry/metrics.ts";
import { databaseOf, openDatabase } from "./database.ts";
import { readGeneratedKeys } from "./generated-keys.ts";
import { checkAddress, createHttpServer, drain, listen, urlOf } from "./http-server.ts";
import { masterKeysOf, requireKeysInUse } from "./master-keys.ts";
import type { ProcessShare } from "./processes/messages.ts";

/** How long work in hand may take when told to stop, and answers after the drain. */
const GRACE_MS = 10_000;
/** A database that has ended is not worth waiting for. */
const NO_DATABASE_GRACE_MS = 500;

export interface Service {
  context: Context;
  url: string;
  /** In clear when this start made it or development keeps it; null when it was given. */
  apiKey: string | null;
  /** @param drainS seconds for which it goes on taking connections, if not those of the settings */
  stop(drainS?: number): Promise<void>;
}

export interface ServiceOptions {
  config: Config;
  secrets: Secrets;
  readableLog?: boolean;
  /** For one of several processes, whose supervisor has chosen the port and made the database ready. */
  share?: ProcessShare;
  /** The metrics of the other processes. */
  pagesOfOthers?(): Promise<string[]>;
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
  {
    config,
    secrets,
    readableLog = false,
    overrides = {},
    onFatal,
    share,
    pagesOfOthers,
  }: ServiceOptions,
  undo: (() => Promise<unknown>)[],
): Promise<Service> {
  const stopping = new AbortController();
  const refusing = new AbortController();
  const server = createHttpServer();
  // first, so that a port in use is known before anything else is touched
  if (share === undefined && config.port === 0) {
    // links need the number; nobody else knows it before all is ready
    await listen(server, config);
  } else if (share === undefined) {
    await checkAddress(config);
  }
  undo.push(async () => {
    server.close();
    // a client that goes on asking "are you ready?" would keep this process half-living for ever
    server.closeAllConnections();
  });
  const port = share?.port ?? (config.port || (server.address() as AddressInfo).port);

  const database = await (share === undefined
    ? openDatabase(config, secrets)
    : databaseOf(share.databaseUrl));
  undo.push(() => database.stop());
  let databaseGone = false;
  database.onExit((reason) => {
    databaseGone = true;
    onFatal?.(reason);
  });
  const generated = config.development ? readGeneratedKeys(config.dataDir) : null;
  if (share === undefined) await migrate(database.url);

  const context = await createContext({
    config: {
      ...config,
      publicUrl: config.publicUrl ?? urlOf(config.host, port),
    },
    databaseUrl: database.url,
    masterKeys: masterKeysOf(secrets, generated?.masterKeys ?? []),
    stopping: stopping.signal,
    readableLog,
    share,
    pagesOfOthers,
    overrides,
  });
  undo.push(
    () => context.pool.end(),
    () => context.notifier.close(),
    () => context.compute.close(),
    () => context.transport.close(),
  );
  // what a start that fails has set going ends with it
  undo.push(async () => stopping.abort());
  const clock = await followClock(context);
  requireKeysInUse(await adoptMasterKey(context), context.vault, { config, secrets });
  const givenKey = secrets.apiKey?.reveal() ?? generated?.apiKey ?? null;
  const { newKey } = await ensureFirstAccount(context, givenKey);

  await makePartitionsIfFree(context);
  addGauges(context);
  const works = config.roles.includes("compute") || config.roles.includes("deliver");
  const worker = works ? await startWorker(context) : null;
  if (worker !== null) {
    undo.push(async () => {
      stopping.abort();
      await worker.stop(0);
    });
  }
  const stats = startStats(context);
  const following = followMasterKey(context);
  const pages = Router().use(docsRouter(), consoleRouter(context.config));
  const api = createApi(context, pages, refusing.signal);
  addGauge(
    context.telemetry.metrics.registry,
    { name: "ringback_activity_listeners", help: "Listeners to the activity in this process." },
    () => ({ "": api.activity.count() }),
  );

  server.on("request", api.app).on("upgrade", api.upgrade);
  if (!server.listening) {
    await listen(server, { host: config.host, port }, share !== undefined);
  }

  let stopped: Promise<void> | undefined;
  async function stop(drainS = config.drainS): Promise<void> {
    const drainMs = databaseGone || !config.roles.includes("api") ? 0 : drainS * 1000;
    const graceMs = databaseGone ? NO_DATABASE_GRACE_MS : GRACE_MS;
    const deadline = performance.now() + drainMs + graceMs;
    const leftMs = (): number => Math.max(0, deadline - performance.now());
    const atMost = async (what: Promise<unknown>, ms: number): Promise<void> =>
      void (await Promise.race([what, sleep(ms, undefined, { ref: false })]));

    stopping.abort();
    // the work of others ends beside it; the API can write until its last answer is out
    const drained = drain(server, { drainMs, onRefusing: () => refusing.abort(), leftMs });
    await Promise.all([drained, worker?.stop(graceMs)]);
    await atMost(Promise.all([stats.stop(), following.stop(), clock.stop()]), leftMs());
    await atMost(context.transport.close(), leftMs());
    await context.compute.close();
    await context.notifier.close();
    await atMost(context.pool.end(), 1_000);
    await database.stop();
  }
  return {
    context,
    url: context.config.publicUrl,
    apiKey: newKey ?? (secrets.apiKey === null ? givenKey : null),
    stop: (drainS) => (stopped ??= stop(drainS)),
  };
}
