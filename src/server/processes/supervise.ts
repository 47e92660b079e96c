import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "winston";
import { ConfigError } from "../../config.ts";
import type { Config, Secrets } from "../../config.ts";
import { migrate } from "../../db/migrate.ts";
import { createLogger } from "../../telemetry/logger.ts";
import { openDatabase } from "../database.ts";
import { readGeneratedKeys } from "../generated-keys.ts";
import { choosePort } from "../http-server.ts";
import { startChild } from "./child.ts";
import type { Child } from "./child.ts";
import { warnOfFewConnections } from "./connections.ts";
import type { ToProcess } from "./messages.ts";

/** A process that dies is started again after this long, twice as long when it dies again soon. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
/** A process that lived for this long did not die soon. */
const LONG_LIFE_MS = 60_000;
/** Beside its drain, a process gives itself 10 s to stop. */
const STOP_PATIENCE_MS = 12_000;

export interface Processes {
  url: string;
  /** In clear when this start made it or development keeps it; null when it was given. */
  apiKey: string | null;
  log: Logger;
  /** @throws Error one of them did not end well */
  stop(): Promise<void>;
}

export interface ProcessesOptions {
  config: Config;
  secrets: Secrets;
  /** How many. */
  processes: number;
  readableLog: boolean;
  /** They can't go on, and are being stopped. */
  onFatal(reason: string): void;
}

/**
 * Starts several processes of the same roles over one database and one port. This one makes
 * neither requests nor work: it owns an embedded database, and starts again what dies.
 * @throws ConfigError one line that names what to change
 */
export async function startProcesses(options: ProcessesOptions): Promise<Processes> {
  const { config, secrets } = options;
  const log = createLogger({ level: config.logLevel, readable: options.readableLog });
  const port = await choosePort(config);
  const database = await openDatabase(config, secrets, options.processes);
  let crew: Crew | null = null;
  try {
    database.onExit(options.onFatal);
    // made once, before all of them look for it
    if (config.development) readGeneratedKeys(config.dataDir);
    await migrate(database.url);
    await warnOfFewConnections(database.url, options.processes, log);
    crew = createCrew(options, log, { port, databaseUrl: database.url });
    const found = await crew.start();
    const stopCrew = crew.stop;
    return {
      ...found,
      log,
      async stop() {
        const failures = await stopCrew();
        await database.stop();
        if (failures.length > 0) throw new Error(failures.join("; "));
      },
    };
  } catch (error) {
    await crew?.kill();
    await database.stop();
    throw error;
  }
}

interface Crew {
  /** Resolves when all of them are ready. */
  start(): Promise<{ url: string; apiKey: string | null }>;
  /** Returns what went wrong. */
  stop(): Promise<string[]>;
  kill(): Promise<void>;
}

function createCrew(
  { config, processes, readableLog, onFatal }: ProcessesOptions,
  log: Logger,
  place: { port: number; databaseUrl: string },
): Crew {
  /** The present process of each number. */
  const children = new Map<number, Child>();
  const over = new AbortController();
  // an end at once, as at a second signal, leaves none behind
  process.once("exit", () => {
    for (const child of children.values()) child.kill();
  });

  function launch(number: number): Child {
    const share = { number, of: processes, ...place };
    const order: ToProcess = { kind: "start", share, roles: config.roles, readableLog };
    const child = startChild(order, () => pagesOfOthers(number));
    children.set(number, child);
    return child;
  }

  async function pagesOfOthers(number: number): Promise<string[]> {
    const others = [...children].filter(([other]) => other !== number);
    const pages = await Promise.all(others.map(async ([, child]) => await child.page()));
    return pages.filter((page) => page !== null);
  }

  /** Keeps the process of this number alive, until all are to stop. */
  async function supervise(number: number, first: Child): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    for (let child = first; ; child = launch(number)) {
      const since = performance.now();
      const { pid } = child;
      if (child !== first) {
        child.started.then(
          () => log.info("process started again", { process: number, pid }),
          (error: unknown) => {
            const { message } = error as Error;
            log.warn("process did not start", { process: number, pid, error: message });
            if (error instanceof ConfigError) void stop().then(() => onFatal(message));
          },
        );
      }
      const how = await child.ended;
      if (over.signal.aborted) return;
      if (performance.now() - since >= LONG_LIFE_MS) retryMs = FIRST_RETRY_MS;
      log.warn("process ended", { process: number, pid, how, again_in_ms: retryMs });
      await sleep(retryMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  async function stop(): Promise<string[]> {
    over.abort();
    const last = [...children];
    for (const [, child] of last) child.stop();
    const ends = Promise.all(last.map(([, child]) => child.ended));
    const patienceMs = config.drainS * 1000 + STOP_PATIENCE_MS;
    await Promise.race([ends, sleep(patienceMs, undefined, { ref: false })]);
    for (const [, child] of last) if (!child.hasEnded()) child.kill();
    return (await ends).flatMap((how, index) =>
      how === "code 0" ? [] : [`process ${last[index]![0]} ended with ${how}`],
    );
  }

  async function kill(): Promise<void> {
    over.abort();
    for (const child of children.values()) child.kill();
    await Promise.all([...children.values()].map((child) => child.ended));
  }

  return {
    async start() {
      const all = Array.from({ length: processes }, (_, index) => launch(index + 1));
      const found = await Promise.all(all.map((child) => child.started));
      all.forEach((child, index) => void supervise(index + 1, child));
      const url = found[0]!.url;
      return { url, apiKey: found.find((one) => one.apiKey !== null)?.apiKey ?? null };
    },
    stop,
    kill,
  };
}
