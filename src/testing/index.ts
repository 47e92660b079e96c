import { randomBytes } from "node:crypto";
import { listSecretsInUse } from "../db/accounts/secrets.ts";
import { startService } from "../server/start.ts";
import type { Service } from "../server/start.ts";
import { Ringback } from "../client/ringback.ts";
import type { JobTypes } from "../client/jobs.ts";
import { publicKeysOf } from "../client/signing.ts";
import { readConfig } from "../config.ts";
import { newApiKey } from "../core/api-key.ts";
import { deriveSecret } from "../core/signature.ts";
import { LOOPBACK_TARGETS } from "../core/targets.ts";
import { advance, runAll } from "./clock.ts";
import { durationMs } from "./duration.ts";
import type { Duration } from "./duration.ts";
import { openDatabase } from "./postgres.ts";
import { startReceiver } from "./receiver.ts";
import type { Receiver } from "./receiver.ts";

export type { Duration } from "./duration.ts";
export type { Answer, ReceivedWebhook, Receiver, Responder, WebhookPattern } from "./receiver.ts";

export interface TestingOptions {
  /** Modules with job types beside the built-in ones: file URLs, paths or package names. */
  jobTypes?: readonly (string | URL)[];
  /** A Postgres server for the database; its user may create databases. Default: embedded. */
  databaseUrl?: string;
  /** The environment that job types see as `process.env`. */
  env?: Record<string, string | undefined>;
  /** Default: `error`. */
  logLevel?: "error" | "warn" | "info" | "debug";
}

/** A Ringback for tests: the real service, in this process, on a database of its own. */
export interface TestRingback<Types extends JobTypes = JobTypes> extends AsyncDisposable {
  client: Ringback<Types>;
  /** Base of the API. */
  url: string;
  /** A key with the scope `admin`. */
  apiKey: string;
  /** Starts a receiver of webhooks, which ends with this Ringback. */
  receiver(): Promise<Receiver>;
  /**
   * Waits until nothing is running and nothing is due.
   * @throws Error with the unfinished work, after `timeoutMs` (default 20,000)
   */
  runAll(options?: { timeoutMs?: number }): Promise<void>;
  /**
   * Lets time pass, and runs all work that becomes due, at its time. `timeoutMs` is for each due
   * time (default 20,000).
   */
  advance(by: Duration, options?: { timeoutMs?: number }): Promise<void>;
  /** Stops the service and drops the database. Safe to call twice. */
  stop(): Promise<void>;
}

const PATIENCE_MS = 20_000;

export async function startRingback<Types extends JobTypes = JobTypes>(
  options: TestingOptions = {},
): Promise<TestRingback<Types>> {
  const database = await openDatabase(options.databaseUrl);
  let service: Service;
  const apiKey = newApiKey();
  try {
    service = await startService(
      readConfig(undefined, {
        ...options.env,
        DATABASE_URL: database.url,
        HOST: "127.0.0.1",
        PORT: "0",
        RINGBACK_API_KEY: apiKey,
        RINGBACK_MASTER_KEY: randomBytes(32).toString("base64"),
        RINGBACK_DRAIN_SECONDS: "0",
        RINGBACK_ALLOW_TARGETS: LOOPBACK_TARGETS,
        RINGBACK_JOB_TYPES: (options.jobTypes ?? []).map(String).join(","),
        LOG_LEVEL: options.logLevel ?? "error",
      }),
    );
  } catch (error) {
    await database.drop();
    throw error;
  }

  const { context, url } = service;
  const client = new Ringback<Types>({ apiKey, baseUrl: url });
  const receivers: Receiver[] = [];
  let stopped: Promise<void> | undefined;

  /** A receiver may have asked for a signature by its secret alone. */
  async function findKeys(origin: string): Promise<string[]> {
    const secrets = await listSecretsInUse(context.pool);
    return [
      ...publicKeysOf(await client.signing.keys()),
      ...secrets.map(({ sealed, of }) => {
        const secret = context.vault.open(sealed);
        return of === "origin" ? deriveSecret(secret, origin) : secret;
      }),
    ];
  }

  async function stop(): Promise<void> {
    // a receiver that is not there any more can't delay the end
    await Promise.all(receivers.map((one) => one.close()));
    await service.stop();
    await database.drop();
  }

  return {
    client,
    url,
    apiKey,
    async receiver() {
      const receiver = await startReceiver(findKeys);
      receivers.push(receiver);
      return receiver;
    },
    async runAll({ timeoutMs = PATIENCE_MS } = {}) {
      await runAll(context, timeoutMs);
    },
    async advance(by, { timeoutMs = PATIENCE_MS } = {}) {
      await advance(context, durationMs(by), timeoutMs);
    },
    stop: () => (stopped ??= stop()),
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  };
}
