import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { z } from "zod";
import { isApiKey } from "./core/api-key.ts";
import { LOOPBACK_TARGETS, parseAllowTargets } from "./core/targets.ts";

export const ROLES = ["api", "compute", "deliver"] as const;
export type Role = (typeof ROLES)[number];

export interface Config {
  version: string;
  host: string;
  port: number;
  dataDir: string;
  /** No DATABASE_URL: embedded Postgres, generated keys, loopback receivers allowed. */
  development: boolean;
  /** Base of absolute links; null: from host and port. */
  publicUrl: string | null;
  /** Comma-separated CIDRs. */
  allowTargets: string;
  jobTypeModules: string[];
  /** The environment that job types see: all but our own secrets. */
  jobEnvironment: NodeJS.ProcessEnv;
  logLevel: string;
  roles: Role[];
  /** Days that something is kept at least; it goes with its week, so up to a week more. */
  retention: { jobsDays: number; deliveriesDays: number; deadLettersDays: number };
  /** Seconds for which a process that was told to stop goes on taking connections. */
  drainS: number;
  /** What a reader of metrics must show; null: anyone may read them. */
  metricsToken: Secret | null;
}

export interface Secrets {
  databaseUrl: Secret | null;
  /** 32 bytes, base64. */
  masterKey: Secret | null;
  /** Master keys that open what they sealed; one of them seals until the data is sealed anew. */
  previousMasterKeys: Secret[];
  apiKey: Secret | null;
}

/** A text that no log, error or page shows by accident. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}

/** A setting the program can't start with; the message is one line that names it. */
export class ConfigError extends Error {}

const KNOWN = [
  "RINGBACK_DATA_DIR",
  "RINGBACK_API_KEY",
  "RINGBACK_MASTER_KEY",
  "RINGBACK_MASTER_KEYS_PREVIOUS",
  "RINGBACK_PUBLIC_URL",
  "RINGBACK_ALLOW_TARGETS",
  "RINGBACK_JOB_TYPES",
  "RINGBACK_RETENTION_JOBS_DAYS",
  "RINGBACK_RETENTION_DELIVERIES_DAYS",
  "RINGBACK_RETENTION_DEAD_LETTERS_DAYS",
  "RINGBACK_DRAIN_SECONDS",
  "RINGBACK_METRICS_TOKEN",
  "RINGBACK_URL",
];

const LOG_LEVELS = ["error", "warn", "info", "debug"];

/** The only reader of the environment. An empty variable counts as not set. */
export function readConfig(
  roles: Role[] = [...ROLES],
  environment: NodeJS.ProcessEnv = process.env,
): { config: Config; secrets: Secrets } {
  const get = (name: string): string | null => environment[name]?.trim() || null;
  for (const name of Object.keys(environment)) {
    if (name.startsWith("RINGBACK_") && !KNOWN.includes(name)) {
      throw new ConfigError(`${name} is not a setting of Ringback (known: ${KNOWN.join(", ")})`);
    }
  }
  const databaseUrl = readDatabaseUrl(get("DATABASE_URL"));
  const development = databaseUrl === null;
  const config: Config = {
    version: readVersion(),
    host: get("HOST") ?? "127.0.0.1",
    port: readPort(get("PORT")),
    dataDir: path.resolve(get("RINGBACK_DATA_DIR") ?? ".ringback"),
    development,
    publicUrl: readPublicUrl(get("RINGBACK_PUBLIC_URL")),
    allowTargets: readAllowTargets(get("RINGBACK_ALLOW_TARGETS"), development),
    jobTypeModules: readModules(get("RINGBACK_JOB_TYPES")),
    jobEnvironment: withoutSecrets(environment),
    logLevel: readLogLevel(get("LOG_LEVEL")),
    roles,
    retention: {
      jobsDays: readDays("RINGBACK_RETENTION_JOBS_DAYS", get, 30),
      ...readDeliveriesDays(get),
    },
    // on a laptop Ctrl-C is at once
    drainS: readDrain(get("RINGBACK_DRAIN_SECONDS"), development ? 0 : 5),
    metricsToken: readMetricsToken(get("RINGBACK_METRICS_TOKEN")),
  };
  const secrets: Secrets = {
    databaseUrl,
    masterKey: readMasterKey(get("RINGBACK_MASTER_KEY"), development),
    previousMasterKeys: readPreviousMasterKeys(get("RINGBACK_MASTER_KEYS_PREVIOUS")),
    apiKey: readApiKey(get("RINGBACK_API_KEY")),
  };
  return { config, secrets };
}

/** What the command line needs as a client of a server that runs elsewhere. */
export interface ClientConfig {
  /** Null: where `npm start` listens. */
  url: string | null;
  apiKey: Secret | null;
  dataDir: string;
  /** False: nothing is coloured, whatever it is written to. */
  colour: boolean;
}

/** Reads no more than a client needs, so that a server's settings can't stand in its way. */
export function readClientConfig(environment: NodeJS.ProcessEnv = process.env): ClientConfig {
  const get = (name: string): string | null => environment[name]?.trim() || null;
  const url = get("RINGBACK_URL");
  return {
    url: url === null ? null : checkHttpUrl("RINGBACK_URL", url),
    apiKey: readApiKey(get("RINGBACK_API_KEY")),
    dataDir: path.resolve(get("RINGBACK_DATA_DIR") ?? ".ringback"),
    colour: get("NO_COLOR") === null && get("TERM") !== "dumb",
  };
}

export function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

const MAX_DAYS = 36_500;

function readDays(name: string, get: (name: string) => string | null, byDefault: number): number {
  const text = get(name);
  if (text === null) return byDefault;
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new ConfigError(
    `${name} must be a whole number of days from 1 to ${MAX_DAYS}, not ${text}`,
  );
}

/** A dead letter needs its delivery. */
function readDeliveriesDays(
  get: (name: string) => string | null,
): Pick<Config["retention"], "deliveriesDays" | "deadLettersDays"> {
  const [deliveries, deadLetters] = [
    "RINGBACK_RETENTION_DELIVERIES_DAYS",
    "RINGBACK_RETENTION_DEAD_LETTERS_DAYS",
  ] as const;
  const deliveriesDays = readDays(deliveries, get, 30);
  const deadLettersDays = readDays(deadLetters, get, Math.max(90, deliveriesDays));
  if (deadLettersDays >= deliveriesDays) return { deliveriesDays, deadLettersDays };
  throw new ConfigError(
    `${deadLetters} (${deadLettersDays}) must not be less than ${deliveries} (${deliveriesDays}): dead letters are deliveries`,
  );
}

const MAX_DRAIN_S = 300;

function readDrain(text: string | null, byDefault: number): number {
  if (text === null) return byDefault;
  if (/^\d+$/.test(text) && Number(text) <= MAX_DRAIN_S) return Number(text);
  throw new ConfigError(
    `RINGBACK_DRAIN_SECONDS must be a whole number of seconds from 0 to ${MAX_DRAIN_S}, not ${text}`,
  );
}

function readDatabaseUrl(text: string | null): Secret | null {
  if (text === null) return null;
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) {
    throw new ConfigError(
      "DATABASE_URL must look like postgres://user:password@host:5432/database",
    );
  }
  return new Secret(withPlainSslMode(text));
}

/**
 * With this version of pg `prefer`, `require` and `verify-ca` mean `verify-full`, with a warning that
 * they will not for ever. So they are called by that name; `no-verify` and `uselibpqcompat=true` are
 * for those who want less.
 */
function withPlainSslMode(url: string): string {
  if (/[?&]uselibpqcompat=true(&|$)/.test(url)) return url;
  return url.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/, "$1verify-full");
}

function readPort(text: string | null): number {
  if (text === null) return 3000;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new ConfigError(`PORT must be a number from 0 to 65535, not ${JSON.stringify(text)}`);
  }
  return port;
}

function readPublicUrl(text: string | null): string | null {
  return text === null ? null : checkHttpUrl("RINGBACK_PUBLIC_URL", text);
}

/** Without slashes at its end. */
function checkHttpUrl(name: string, text: string): string {
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    throw new ConfigError(`${name} must be an http(s) URL, not ${JSON.stringify(text)}`);
  }
  return text.replace(/\/+$/, "");
}

function readAllowTargets(text: string | null, development: boolean): string {
  if (text === null) return development ? LOOPBACK_TARGETS : "";
  try {
    parseAllowTargets(text);
  } catch (error) {
    throw new ConfigError(`RINGBACK_ALLOW_TARGETS: ${(error as Error).message}`);
  }
  return text;
}

/** Paths become file URLs; anything else is a package the program can import. */
function readModules(text: string | null): string[] {
  return (text ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => (/^[./]/.test(part) ? pathToFileURL(path.resolve(part)).href : part));
}

function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secret = [
    "DATABASE_URL",
    "RINGBACK_MASTER_KEY",
    "RINGBACK_MASTER_KEYS_PREVIOUS",
    "RINGBACK_API_KEY",
    "RINGBACK_METRICS_TOKEN",
  ];
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !secret.includes(name)));
}

function readLogLevel(text: string | null): string {
  if (text === null) return "info";
  if (!LOG_LEVELS.includes(text)) {
    throw new ConfigError(`LOG_LEVEL must be one of ${LOG_LEVELS.join(", ")}, not ${text}`);
  }
  return text;
}

function readMasterKey(text: string | null, development: boolean): Secret | null {
  if (text === null) {
    if (development) return null;
    throw new ConfigError(
      "RINGBACK_MASTER_KEY is required with DATABASE_URL: 32 random bytes in base64 (openssl rand -base64 32)",
    );
  }
  if (!isMasterKey(text)) {
    throw new ConfigError(
      "RINGBACK_MASTER_KEY must be exactly 32 bytes in base64 (openssl rand -base64 32)",
    );
  }
  return new Secret(text);
}

const MOST_PREVIOUS_KEYS = 10;

function readPreviousMasterKeys(text: string | null): Secret[] {
  const keys = (text ?? "").split(",").map((part) => part.trim());
  if (keys.length === 1 && keys[0] === "") return [];
  if (keys.length > MOST_PREVIOUS_KEYS || !keys.every(isMasterKey)) {
    throw new ConfigError(
      `RINGBACK_MASTER_KEYS_PREVIOUS must be at most ${MOST_PREVIOUS_KEYS} master keys with commas between them, each exactly 32 bytes in base64`,
    );
  }
  return keys.map((key) => new Secret(key));
}

export function isMasterKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text);
}

function readApiKey(text: string | null): Secret | null {
  if (text === null) return null;
  if (!isApiKey(text)) {
    throw new ConfigError("RINGBACK_API_KEY must be rk_ and 20 to 200 letters, digits, - or _");
  }
  return new Secret(text);
}

function readMetricsToken(text: string | null): Secret | null {
  if (text === null) return null;
  if (!/^[!-~]{16,200}$/.test(text)) {
    throw new ConfigError(
      "RINGBACK_METRICS_TOKEN must be 16 to 200 visible ASCII characters without spaces",
    );
  }
  return new Secret(text);
}
