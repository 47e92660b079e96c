import { randomBytes } from "node:crypto";
import { readVersion } from "../../src/config.ts";
import type { Config } from "../../src/config.ts";
import type { Context } from "../../src/flow/context.ts";
import { createContext } from "../../src/server/create-context.ts";
import type { Overrides } from "../../src/server/create-context.ts";
import { newApiKey } from "../../src/core/api-key.ts";
import type { Scope } from "../../src/core/model.ts";
import { LOOPBACK_TARGETS } from "../../src/core/targets.ts";
import { ensureAccount } from "../../src/flow/accounts/accounts.ts";
import { addApiKey } from "../../src/flow/accounts/api-keys.ts";
import { singleStatement } from "../../src/db/transaction.ts";
import { startWorker } from "../../src/server/worker.ts";
import { createTestDatabase } from "./database.ts";
import type { TestDatabase } from "./database.ts";

export interface TestContext {
  context: Context;
  database: TestDatabase;
  /** The first account and its key, for all. */
  accountId: string;
  apiKey: string;
  /** Another account, or another key; made when called. */
  addAccount(name: string): Promise<{ accountId: string; apiKey: string }>;
  addKey(accountId: string, scopes: Scope[]): Promise<string>;
  stop(): Promise<void>;
}

export interface TestContextOptions {
  /** Start computing and delivering in this process (default true). */
  worker?: boolean;
  config?: Partial<Config & { publicUrl: string }>;
  overrides?: Overrides;
  /** Share the database of another context: a second process, as far as Postgres can tell. */
  database?: TestDatabase;
  /** The newest first. */
  masterKeys?: readonly string[];
}

export const TEST_MASTER_KEY = randomBytes(32).toString("base64");

/** The real parts on a database of the test's own; loopback receivers are allowed. */
export async function createTestContext(options: TestContextOptions = {}): Promise<TestContext> {
  const database = options.database ?? (await createTestDatabase());
  const stopping = new AbortController();
  const context = await createContext({
    config: {
      version: readVersion(),
      host: "127.0.0.1",
      port: 0,
      dataDir: "unused",
      development: false,
      publicUrl: "http://ringback.test",
      portalFrameAncestors: [],
      allowTargets: LOOPBACK_TARGETS,
      jobTypeModules: [],
      jobEnvironment: {},
      threadMemoryMb: null,
      logLevel: (process.env["TEST_LOG_LEVEL"] ?? "error") as Config["logLevel"],
      retention: { jobsDays: 30, deliveriesDays: 30, deadLettersDays: 90, auditDays: 400 },
      processes: 1,
      drainS: 0,
      metricsToken: null,
      roles: ["compute", "deliver"],
      ...options.config,
    },
    databaseUrl: database.url,
    masterKeys: options.masterKeys ?? [TEST_MASTER_KEY],
    stopping: stopping.signal,
    overrides: options.overrides ?? {},
  });
  const addKey = async (accountId: string, scopes: Scope[]): Promise<string> => {
    const text = newApiKey();
    await addApiKey(singleStatement(context.pool), { accountId, name: "test", text, scopes });
    return text;
  };
  const add = async (name: string, scopes: Scope[]) => {
    const accountId = await ensureAccount(context, name);
    return { accountId, apiKey: await addKey(accountId, scopes) };
  };
  const addAccount = async (name: string) => await add(name, ["admin"]);
  const first = await add("default", ["admin", "operator"]);
  const worker = (options.worker ?? true) ? await startWorker(context) : null;
  return {
    context,
    database,
    ...first,
    addAccount,
    addKey,
    async stop() {
      stopping.abort();
      await worker?.stop(5_000);
      await context.transport.close();
      await context.compute.close();
      await context.notifier.close();
      await context.pool.end();
      if (options.database === undefined) await database.drop();
    },
  };
}
