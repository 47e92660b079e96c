import { readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { isApiKey } from "./core/api-key.ts";
import { Secret } from "./core/secret.ts";
import { LOOPBACK_TARGETS, parseAllowTargets } from "./core/targets.ts";

export const ROLES = ["api", "compute", "deliver"] as const;
export type Role = (typeof ROLES)[number];

/** A setting the program can't start with; the message is one line that names it. */
export class ConfigError extends Error {}

/** The line of a setting in the README's table: its default in words, and what it is for. */
const table = z.registry<{ default: string; about: string }>();

const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
const MAX_PREVIOUS_KEYS = 10;
const MAX_FRAME_ANCESTORS = 20;

/** How many processes `serve` may be asked for. */
export const processCount = wholeNumber(1, 64, "a number of processes");

/** Every environment variable that Ringback reads, in the order of the README's table. */
const environmentSchema = z.object({
  PORT: wholeNumber(0, 65_535, "a number").register(table, {
    default: "`3000`",
    about: "port to listen on; 0 for any that is free",
  }),
  HOST: z.string().register(table, { default: "`127.0.0.1`", about: "address to listen on" }),
  DATABASE_URL: z
    .string()
    .refine((text) => /^postgres(ql)?:\/\//.test(text) && URL.canParse(text), {
      error: "must look like postgres://user:password@host:5432/database",
    })
    .transform((text) => new Secret(withPlainSslMode(text)))
    .register(table, { default: "a Postgres of its own", about: "any Postgres from 14 on" }),
  RINGBACK_DATA_DIR: z
    .string()
    .register(table, { default: "`.ringback`", about: "that Postgres, and generated keys" }),
  RINGBACK_API_KEY: secret(isApiKey, "must be rk_ and 20 to 200 letters, digits, - or _").register(
    table,
    {
      default: "generated",
      about: "the first account's admin key, `rk_` and 20 characters or more",
    },
  ),
  RINGBACK_MASTER_KEY: secret(
    isMasterKey,
    "must be exactly 32 bytes in base64 (openssl rand -base64 32)",
  ).register(table, {
    default: "generated",
    about: "32 bytes in base64; seals secrets; required with `DATABASE_URL`",
  }),
  RINGBACK_MASTER_KEYS_PREVIOUS: z
    .string()
    .transform(commaSeparated)
    .refine((keys) => keys.length <= MAX_PREVIOUS_KEYS && keys.every(isMasterKey), {
      error: `must be at most ${MAX_PREVIOUS_KEYS} master keys with commas between them, each exactly 32 bytes in base64`,
    })
    .transform((keys) => keys.map((key) => new Secret(key)))
    .register(table, {
      default: "none",
      about:
        "master keys that still open what they sealed, comma-separated, [while one is rotated](docs/guides/operations.md#the-master-key)",
    }),
  RINGBACK_PUBLIC_URL: httpUrl().register(table, {
    default: "from host and port",
    about: "base of links in answers and webhooks",
  }),
  RINGBACK_PORTAL_FRAME_ANCESTORS: z
    .string()
    .transform(commaSeparated)
    .refine((origins) => origins.length <= MAX_FRAME_ANCESTORS && origins.every(isOrigin), {
      error: `must be at most ${MAX_FRAME_ANCESTORS} origins with commas between them, such as https://app.example.com`,
    })
    .register(table, {
      default: "none",
      about:
        "origins whose pages may show the [partner view](docs/guides/partner-view.md) in a frame, comma-separated",
    }),
  RINGBACK_ALLOW_TARGETS: z
    .string()
    .superRefine((text, context) => {
      try {
        parseAllowTargets(text);
      } catch (error) {
        context.addIssue({ code: "custom", message: `is wrong: ${(error as Error).message}` });
      }
    })
    .register(table, {
      default: "none; loopback without `DATABASE_URL`",
      about: "CIDRs of private receivers, `http` allowed there",
    }),
  RINGBACK_JOB_TYPES: z.string().transform(toModules).register(table, {
    default: "the built-in ones only",
    about: "modules with job types of yours, comma-separated",
  }),
  RINGBACK_PROCESSES: processCount.register(table, {
    default: "`1`",
    about: "processes that `serve` starts, up to one per core, [to use them](docs/scaling.md)",
  }),
  RINGBACK_THREAD_MEMORY_MB: wholeNumber(32, 1_048_576, "a whole number of MiB").register(table, {
    default: "Node's own limit",
    about: "heap of each thread that runs jobs; a run that needs more fails with `thread_died`",
  }),
  RINGBACK_RETENTION_JOBS_DAYS: days().register(table, {
    default: "`30`",
    about: "how long ended jobs and their results are kept",
  }),
  RINGBACK_RETENTION_DELIVERIES_DAYS: days().register(table, {
    default: "`30`",
    about: "messages, deliveries and attempts",
  }),
  RINGBACK_RETENTION_DEAD_LETTERS_DAYS: days().register(table, {
    default: "`90`",
    about: "dead letters; as long as deliveries, at least",
  }),
  RINGBACK_RETENTION_AUDIT_DAYS: days().register(table, {
    default: "`400`",
    about: "the audit log",
  }),
  RINGBACK_DRAIN_SECONDS: wholeNumber(0, 300, "a whole number of seconds").register(table, {
    default: "`5`; `0` without `DATABASE_URL`",
    about: "how long a stopping process goes on taking connections",
  }),
  RINGBACK_METRICS_TOKEN: secret(
    (text) => /^[!-~]{16,200}$/.test(text),
    "must be 16 to 200 visible ASCII characters without spaces",
  ).register(table, {
    default: "none: `/metrics` is open",
    about: "what Prometheus must send as `authorization: Bearer …`",
  }),
  RINGBACK_URL: httpUrl().register(table, {
    default: "`http://127.0.0.1:3000`",
    about: "the server that `ringback` asks when it is used as a client",
  }),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, {
      error: ({ input }) => `must be one of ${LOG_LEVELS.join(", ")}, not ${String(input)}`,
    })
    .register(table, { default: "`info`", about: "`error`, `warn`, `info` or `debug`" }),
});

type Shape = (typeof environmentSchema)["shape"];
type SettingName = keyof Shape;
type Settings = { [Name in SettingName]: z.output<Shape[Name]> | undefined };

const SETTING_NAMES = Object.keys(environmentSchema.shape) as SettingName[];
/** Variables that job types don't see. */
const SECRET_SETTINGS: readonly string[] = [
  "DATABASE_URL",
  "RINGBACK_API_KEY",
  "RINGBACK_MASTER_KEY",
  "RINGBACK_MASTER_KEYS_PREVIOUS",
  "RINGBACK_METRICS_TOKEN",
] satisfies SettingName[];

/** The settings as the README's table shows them. */
export function settingsTable(): string {
  const rows = SETTING_NAMES.map((name) => {
    const { default: byDefault, about } = table.get(environmentSchema.shape[name])!;
    return `| \`${name}\` | ${byDefault} | ${about} |`;
  });
  return ["| variable | default | |", "| --- | --- | --- |", ...rows].join("\n");
}

export interface Config {
  version: string;
  host: string;
  port: number;
  dataDir: string;
  /** No DATABASE_URL: embedded Postgres, generated keys, loopback receivers allowed. */
  development: boolean;
  /** Base of absolute links; null: from host and port. */
  publicUrl: string | null;
  /** Origins whose pages may show the partner view in a frame. */
  portalFrameAncestors: string[];
  /** Comma-separated CIDRs. */
  allowTargets: string;
  jobTypeModules: string[];
  /** The environment that job types see: all but our own secrets. */
  jobEnvironment: NodeJS.ProcessEnv;
  /** Heap of each thread; null: Node's own limit. */
  threadMemoryMb: number | null;
  logLevel: (typeof LOG_LEVELS)[number];
  roles: Role[];
  /** How many processes `serve` starts. */
  processes: number;
  /** Days that something is kept at least; it goes with its week, so up to a week more. */
  retention: {
    jobsDays: number;
    deliveriesDays: number;
    deadLettersDays: number;
    auditDays: number;
  };
  /** Seconds for which a process that was told to stop goes on taking connections. */
  drainS: number;
  /** The token that a reader of metrics must send; null: anyone may read them. */
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

/**
 * Reads the settings of a server. An empty variable counts as not set.
 * @throws ConfigError one line that names the setting, without its value when that is secret
 */
export function readConfig(
  roles: Role[] = [...ROLES],
  environment: NodeJS.ProcessEnv = process.env,
): { config: Config; secrets: Secrets } {
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith("RINGBACK_") && !SETTING_NAMES.some((known) => known === name),
  );
  if (unknown !== undefined) {
    const known = SETTING_NAMES.filter((name) => name.startsWith("RINGBACK_")).join(", ");
    throw new ConfigError(`${unknown} is not a setting of Ringback (known: ${known})`);
  }
  const given = readSettings(environment, SETTING_NAMES);
  const development = given.DATABASE_URL === undefined;
  if (!development && given.RINGBACK_MASTER_KEY === undefined) {
    throw new ConfigError(
      "RINGBACK_MASTER_KEY is required with DATABASE_URL: 32 random bytes in base64 (openssl rand -base64 32)",
    );
  }
  const config: Config = {
    version: readVersion(),
    host: given.HOST ?? "127.0.0.1",
    port: given.PORT ?? 3000,
    dataDir: path.resolve(given.RINGBACK_DATA_DIR ?? ".ringback"),
    development,
    publicUrl: given.RINGBACK_PUBLIC_URL ?? null,
    portalFrameAncestors: given.RINGBACK_PORTAL_FRAME_ANCESTORS ?? [],
    allowTargets: given.RINGBACK_ALLOW_TARGETS ?? (development ? LOOPBACK_TARGETS : ""),
    jobTypeModules: given.RINGBACK_JOB_TYPES ?? [],
    jobEnvironment: withoutSecrets(environment),
    threadMemoryMb: given.RINGBACK_THREAD_MEMORY_MB ?? null,
    logLevel: given.LOG_LEVEL ?? "info",
    roles,
    processes: given.RINGBACK_PROCESSES ?? 1,
    retention: retentionOf(given),
    // on a laptop Ctrl-C is at once
    drainS: given.RINGBACK_DRAIN_SECONDS ?? (development ? 0 : 5),
    metricsToken: given.RINGBACK_METRICS_TOKEN ?? null,
  };
  const secrets: Secrets = {
    databaseUrl: given.DATABASE_URL ?? null,
    masterKey: given.RINGBACK_MASTER_KEY ?? null,
    previousMasterKeys: given.RINGBACK_MASTER_KEYS_PREVIOUS ?? [],
    apiKey: given.RINGBACK_API_KEY ?? null,
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
  const given = readSettings(environment, [
    "RINGBACK_URL",
    "RINGBACK_API_KEY",
    "RINGBACK_DATA_DIR",
  ]);
  return {
    url: given.RINGBACK_URL ?? null,
    apiKey: given.RINGBACK_API_KEY ?? null,
    dataDir: path.resolve(given.RINGBACK_DATA_DIR ?? ".ringback"),
    colour: !environment["NO_COLOR"]?.trim() && environment["TERM"]?.trim() !== "dumb",
  };
}

export function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

export function isMasterKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{43}=$/.test(text);
}

function readSettings<Name extends SettingName>(
  environment: NodeJS.ProcessEnv,
  names: readonly Name[],
): Pick<Settings, Name> {
  const settings: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const text = environment[name]?.trim();
    if (!text) continue;
    const parsed = environmentSchema.shape[name].safeParse(text);
    if (!parsed.success) throw new ConfigError(`${name} ${parsed.error.issues[0]!.message}`);
    settings[name] = parsed.data;
  }
  return settings as Pick<Settings, Name>;
}

/** A dead letter needs its delivery. */
function retentionOf(given: Settings): Config["retention"] {
  const deliveriesDays = given.RINGBACK_RETENTION_DELIVERIES_DAYS ?? 30;
  const deadLettersDays =
    given.RINGBACK_RETENTION_DEAD_LETTERS_DAYS ?? Math.max(90, deliveriesDays);
  if (deadLettersDays < deliveriesDays) {
    throw new ConfigError(
      `RINGBACK_RETENTION_DEAD_LETTERS_DAYS (${deadLettersDays}) must not be less than RINGBACK_RETENTION_DELIVERIES_DAYS (${deliveriesDays}): dead letters are deliveries`,
    );
  }
  return {
    jobsDays: given.RINGBACK_RETENTION_JOBS_DAYS ?? 30,
    deliveriesDays,
    deadLettersDays,
    auditDays: given.RINGBACK_RETENTION_AUDIT_DAYS ?? 400,
  };
}

function wholeNumber(least: number, most: number, what: string): z.ZodType<number, string> {
  return z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: ({ input }) =>
        `must be ${what} from ${least} to ${most}, not ${JSON.stringify(input)}`,
    })
    .transform(Number);
}

function days(): z.ZodType<number, string> {
  return wholeNumber(1, 36_500, "a whole number of days");
}

function secret(isValid: (text: string) => boolean, problem: string): z.ZodType<Secret, string> {
  return z
    .string()
    .refine(isValid, { error: problem })
    .transform((text) => new Secret(text));
}

/** Without slashes at its end. */
function httpUrl(): z.ZodType<string, string> {
  return z
    .string()
    .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ""), {
      error: ({ input }) => `must be an http(s) URL, not ${JSON.stringify(input)}`,
    })
    .transform((text) => text.replace(/\/+$/, ""));
}

/** Scheme, host and port alone, as a policy of frames names them. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === text;
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

function commaSeparated(text: string): string[] {
  return text.split(",").map((part) => part.trim());
}

/** Paths become file URLs; anything else is a package the program can import. */
function toModules(text: string): string[] {
  return commaSeparated(text)
    .filter((part) => part !== "")
    .map((part) => (/^[./]/.test(part) ? pathToFileURL(path.resolve(part)).href : part));
}

function withoutSecrets(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const visible = Object.entries(environment).filter(([name]) => !SECRET_SETTINGS.includes(name));
  return Object.fromEntries(visible);
}
