import { inspect } from "node:util";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { isMasterKey, readConfig, settingsTable } from "../../src/config.ts";
import { Secret } from "../../src/core/secret.ts";
import { readDoc, tableRows } from "../docs/markdown.ts";

const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");
const OTHER_KEY = Buffer.alloc(32, 8).toString("base64");
const DATABASE_URL = "postgres://ringback:hunter2@db.example/ringback";
const API_KEY = "rk_0123456789abcdefghij";

function read(environment: NodeJS.ProcessEnv) {
  return readConfig(["api"], environment);
}

function problemOf(environment: NodeJS.ProcessEnv): string {
  try {
    read(environment);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

describe("defaults", () => {
  test("of development", () => {
    const { config, secrets } = read({ PATH: "/bin", EDITOR: "vi" });
    expect(config).toMatchObject({
      host: "127.0.0.1",
      port: 3000,
      dataDir: path.resolve(".ringback"),
      development: true,
      publicUrl: null,
      jobTypeModules: [],
      logLevel: "info",
      threadMemoryMb: null,
      retention: { jobsDays: 30, deliveriesDays: 30, deadLettersDays: 90, auditDays: 400 },
      roles: ["api"],
    });
    expect(config.allowTargets).toContain("127.0.0.0/8");
    expect(secrets).toEqual({
      databaseUrl: null,
      masterKey: null,
      previousMasterKeys: [],
      apiKey: null,
    });
  });

  test("with a database of its own: nothing private may be called", () => {
    const { config, secrets } = read({ DATABASE_URL, RINGBACK_MASTER_KEY: MASTER_KEY });
    expect(config).toMatchObject({ development: false, allowTargets: "" });
    expect(secrets.databaseUrl?.reveal()).toBe(DATABASE_URL);
    expect(secrets.masterKey?.reveal()).toBe(MASTER_KEY);
  });

  test.each([
    ["require", "?sslmode=verify-full"],
    ["prefer&x=1", "?sslmode=verify-full&x=1"],
    ["verify-ca", "?sslmode=verify-full"],
    ["verify-full", "?sslmode=verify-full"],
    ["no-verify", "?sslmode=no-verify"],
    ["disable", "?sslmode=disable"],
    ["require&uselibpqcompat=true", "?sslmode=require&uselibpqcompat=true"],
  ])("L7: sslmode=%s is called what it means", (mode, query) => {
    const url = `${DATABASE_URL}?sslmode=${mode}`;
    const { secrets } = read({ DATABASE_URL: url, RINGBACK_MASTER_KEY: MASTER_KEY });
    expect(secrets.databaseUrl?.reveal()).toBe(`${DATABASE_URL}${query}`);
  });

  test("an empty variable is none", () => {
    const { config } = read({ PORT: "", DATABASE_URL: " ", LOG_LEVEL: "", RINGBACK_API_KEY: "" });
    expect(config).toMatchObject({ port: 3000, development: true, logLevel: "info" });
  });
});

test("L9: dead letters are kept as long as the deliveries that they are, at least", () => {
  const days = (deliveries: string, deadLetters?: string) => ({
    RINGBACK_RETENTION_DELIVERIES_DAYS: deliveries,
    RINGBACK_RETENTION_DEAD_LETTERS_DAYS: deadLetters,
  });
  expect(problemOf(days("30", "20"))).toBe(
    "RINGBACK_RETENTION_DEAD_LETTERS_DAYS (20) must not be less than RINGBACK_RETENTION_DELIVERIES_DAYS (30): dead letters are deliveries",
  );
  expect(read(days("30", "30")).config.retention.deadLettersDays).toBe(30);
  expect(read(days("7")).config.retention.deadLettersDays).toBe(90);
  expect(read(days("120")).config.retention.deadLettersDays).toBe(120);
});

test("what is given is taken", () => {
  const { config, secrets } = read({
    PORT: "0",
    HOST: "::",
    RINGBACK_DATA_DIR: "/tmp/x",
    RINGBACK_PUBLIC_URL: "https://jobs.example/base//",
    RINGBACK_ALLOW_TARGETS: "10.0.0.0/8, fd00::/8",
    RINGBACK_PORTAL_FRAME_ANCESTORS: "https://a.test, http://localhost:8080",
    RINGBACK_JOB_TYPES: "./types.ts, my-package ,/abs/types.js",
    RINGBACK_API_KEY: API_KEY,
    RINGBACK_THREAD_MEMORY_MB: "512",
    RINGBACK_PROCESSES: "4",
    LOG_LEVEL: "debug",
  });
  expect(config).toMatchObject({
    port: 0,
    host: "::",
    dataDir: "/tmp/x",
    publicUrl: "https://jobs.example/base",
    allowTargets: "10.0.0.0/8, fd00::/8",
    portalFrameAncestors: ["https://a.test", "http://localhost:8080"],
    logLevel: "debug",
    threadMemoryMb: 512,
    processes: 4,
    jobTypeModules: [
      pathToFileURL(path.resolve("types.ts")).href,
      "my-package",
      pathToFileURL("/abs/types.js").href,
    ],
  });
  expect(secrets.apiKey?.reveal()).toBe(API_KEY);
});

test.each<[string, NodeJS.ProcessEnv]>([
  ["RINGBACK_MASTERKEY", { RINGBACK_MASTERKEY: MASTER_KEY }],
  ["PORT", { PORT: "http" }],
  ["PORT", { PORT: "65536" }],
  ["PORT", { PORT: "-1" }],
  ["PORT", { PORT: "0x50" }],
  ["DATABASE_URL", { DATABASE_URL: "mysql://u:hunter2@h/d", RINGBACK_MASTER_KEY: MASTER_KEY }],
  ["DATABASE_URL", { DATABASE_URL: "hunter2", RINGBACK_MASTER_KEY: MASTER_KEY }],
  ["RINGBACK_MASTER_KEY", { DATABASE_URL }],
  ["RINGBACK_MASTER_KEY", { RINGBACK_MASTER_KEY: "hunter2" }],
  ["RINGBACK_MASTER_KEY", { RINGBACK_MASTER_KEY: MASTER_KEY.slice(0, -1) }],
  ["RINGBACK_MASTER_KEY", { RINGBACK_MASTER_KEY: Buffer.alloc(31).toString("base64") }],
  ["RINGBACK_MASTER_KEYS_PREVIOUS", { RINGBACK_MASTER_KEYS_PREVIOUS: "hunter2" }],
  ["RINGBACK_MASTER_KEYS_PREVIOUS", { RINGBACK_MASTER_KEYS_PREVIOUS: `${MASTER_KEY},` }],
  [
    "RINGBACK_MASTER_KEYS_PREVIOUS",
    { RINGBACK_MASTER_KEYS_PREVIOUS: Array(11).fill(MASTER_KEY).join(",") },
  ],
  ["RINGBACK_API_KEY", { RINGBACK_API_KEY: "hunter2" }],
  ["RINGBACK_API_KEY", { RINGBACK_API_KEY: "rk_hunter2" }],
  ["RINGBACK_PUBLIC_URL", { RINGBACK_PUBLIC_URL: "jobs.example" }],
  ["RINGBACK_PUBLIC_URL", { RINGBACK_PUBLIC_URL: "ftp://jobs.example" }],
  ["RINGBACK_ALLOW_TARGETS", { RINGBACK_ALLOW_TARGETS: "localhost" }],
  ["RINGBACK_ALLOW_TARGETS", { RINGBACK_ALLOW_TARGETS: "10.0.0.0/33" }],
  ["RINGBACK_PORTAL_FRAME_ANCESTORS", { RINGBACK_PORTAL_FRAME_ANCESTORS: "*" }],
  ["RINGBACK_PORTAL_FRAME_ANCESTORS", { RINGBACK_PORTAL_FRAME_ANCESTORS: "https://a.test/x" }],
  ["RINGBACK_PORTAL_FRAME_ANCESTORS", { RINGBACK_PORTAL_FRAME_ANCESTORS: "https://a.test; *" }],
  ["LOG_LEVEL", { LOG_LEVEL: "loud" }],
  ["RINGBACK_THREAD_MEMORY_MB", { RINGBACK_THREAD_MEMORY_MB: "31" }],
  ["RINGBACK_PROCESSES", { RINGBACK_PROCESSES: "0" }],
  ["RINGBACK_PROCESSES", { RINGBACK_PROCESSES: "65" }],
  ["RINGBACK_DRAIN_SECONDS", { RINGBACK_DRAIN_SECONDS: "1.5" }],
  ["RINGBACK_RETENTION_JOBS_DAYS", { RINGBACK_RETENTION_JOBS_DAYS: "0" }],
])("a wrong %s is named in one line: %j", (name, environment) => {
  const problem = problemOf(environment);
  expect(problem).toContain(name);
  expect(problem).not.toContain("\n");
  expect(problem).not.toContain("hunter2");
  expect(problem).not.toContain(MASTER_KEY.slice(0, 20));
});

test("a secret is shown only on demand", () => {
  const { secrets } = read({
    DATABASE_URL,
    RINGBACK_MASTER_KEY: MASTER_KEY,
    RINGBACK_MASTER_KEYS_PREVIOUS: `${OTHER_KEY} , ${OTHER_KEY}`,
    RINGBACK_API_KEY: API_KEY,
  });
  expect(secrets.previousMasterKeys.map((key) => key.reveal())).toEqual([OTHER_KEY, OTHER_KEY]);
  const shown = [
    JSON.stringify(secrets),
    inspect(secrets, { depth: 9, showHidden: true }),
    String(secrets.apiKey),
    String(secrets.masterKey),
    JSON.stringify(Object.values(secrets.databaseUrl ?? {})),
  ].join("\n");
  for (const text of ["hunter2", MASTER_KEY, OTHER_KEY, API_KEY]) expect(shown).not.toContain(text);
  expect(shown).toContain("[secret]");
  expect(new Secret("x").reveal()).toBe("x");
});

test("a master key is 32 bytes", () => {
  expect(isMasterKey(MASTER_KEY)).toBe(true);
  for (const bytes of [0, 16, 31, 33, 64]) {
    expect(isMasterKey(Buffer.alloc(bytes).toString("base64"))).toBe(false);
  }
});

test("the README's table is made from the settings (npm run generate)", () => {
  const rows = tableRows(readDoc("README.md"), "Settings");
  expect(rows).toEqual(tableRows(`## Settings\n\n${settingsTable()}\n`, "Settings"));
  expect(rows.length).toBeGreaterThan(15);
});
