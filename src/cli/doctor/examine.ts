import pg from "pg";
import { readConfig } from "../../config.ts";
import type { Config, Secrets } from "../../config.ts";
import { readServerVersion } from "../../db/databases.ts";
import { openDatabase } from "../../server/database.ts";
import { checkApiKey, checkUrl } from "./api-checks.ts";
import { fail, look, ok, warn } from "./check.ts";
import type { Finding } from "./check.ts";
import { checkSessions } from "./check-sessions.ts";
import { findDatabase } from "./find-database.ts";
import type { Whereabouts } from "./find-database.ts";
import { checkNode, checkSettings, checkTargets } from "./program-checks.ts";
import { checkClock, checkConnections, checkQueue, checkSchema } from "./server-checks.ts";
import {
  checkDurability,
  checkOldTransactions,
  checkOwnSettings,
  checkVacuum,
} from "./setting-checks.ts";
import { checkBacklog, checkMasterKeys, checkWorkers } from "./work-checks.ts";

export interface Patient {
  /** The server that a client on this machine would call. */
  url: string;
  apiKey: string | null;
  environment: NodeJS.ProcessEnv | undefined;
}

/** Runs all checks, from the outside in, except those that depend on a failed one. */
export async function* examine(patient: Patient): AsyncGenerator<Finding, void, void> {
  yield checkNode(process.versions.node);
  let settings: { config: Config; secrets: Secrets };
  try {
    settings = readConfig(undefined, patient.environment);
  } catch (error) {
    yield fail("settings", (error as Error).message, "correct it; nothing starts with it");
    return;
  }
  const { config, secrets } = settings;
  yield checkSettings(config);
  yield checkTargets(config);

  const where = findDatabase(config, secrets);
  if (where === null) {
    const detail = `no database runs in ${config.dataDir}`;
    yield warn("database", detail, "start one by `ringback serve`, or set DATABASE_URL");
  } else {
    yield* examineDatabase(config, secrets, where);
  }

  const server = await checkUrl(
    "server",
    patient.url,
    "start it by `ringback serve`, or give --url",
  );
  yield server;
  if (server.state === "ok") yield await checkApiKey(patient.url, patient.apiKey);
  if (config.publicUrl !== null) {
    const advice =
      "receivers and clients follow links there: set RINGBACK_PUBLIC_URL, or the proxy";
    const finding = await checkUrl("public url", config.publicUrl, advice);
    // an outside address need not be reachable from inside
    yield finding.state === "fail" ? { ...finding, state: "warn" } : finding;
  }
}

async function* examineDatabase(
  config: Config,
  secrets: Secrets,
  { databaseUrl, masterKeys }: Whereabouts,
): AsyncGenerator<Finding, void, void> {
  // the check of server and version; an embedded server was found by its running process
  const reached = await look("database", async () => {
    if (!config.development) await (await openDatabase(config, secrets)).stop();
    const { text } = await readServerVersion(databaseUrl);
    return ok("database", `PostgreSQL ${text}`);
  });
  yield reached;
  if (reached.state !== "ok") return;
  const reader = new pg.Client({ connectionString: databaseUrl, query_timeout: 10_000 });
  reader.on("error", () => undefined);
  await reader.connect();
  try {
    const clock = () => checkClock(reader);
    yield await look("clock", clock);
    yield await look("connections", () => checkConnections(reader, config.processes));
    yield await look("sessions", () => checkSessions(databaseUrl));
    yield await look("own settings", () => checkOwnSettings(reader, databaseUrl));
    yield await look("durability", () => checkDurability(reader));
    yield await look("vacuum", () => checkVacuum(reader));
    yield await look("old transactions", () => checkOldTransactions(reader));
    const schema = await look("schema", () => checkSchema(reader));
    yield schema;
    yield await look("queue schema", () => checkQueue(reader));
    if (schema.state === "fail") return;
    yield await look("master key", () => checkMasterKeys(reader, masterKeys));
    yield await look("workers", () => checkWorkers(reader));
    yield* await checkBacklog(reader);
  } finally {
    await reader.end();
  }
}
