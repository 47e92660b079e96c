import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startFaultDatabase } from "./fault-database.ts";
import type { FaultDatabase } from "./fault-database.ts";
import { superviseProcess } from "./supervised-process.ts";
import type { SupervisedProcess } from "./supervised-process.ts";

const SCOPES = ["--scopes", "jobs,webhooks,admin"];
const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const SHIFT_CLOCK = new URL("shift-clock.ts", import.meta.url).href;

/** A process for the API, and two that work. */
export const APART: Layout = {
  api: "api",
  "worker-1": "compute,deliver",
  "worker-2": "compute,deliver",
};
/** Two processes that do everything. */
export const TWINS: Layout = { one: "api,compute,deliver", two: "api,compute,deliver" };
/** The roles of each process, by its name. */
type Layout = Record<string, string>;

/** The real thing: one Postgres behind a proxy, and processes that serve the API, and work. */
export interface Stack {
  database: FaultDatabase;
  processes: SupervisedProcess[];
  /** The first process that serves the API, and where. */
  api: SupervisedProcess;
  apiUrl: string;
  workers: SupervisedProcess[];
  /** Of the account that is there from the start, with every scope. */
  apiKey: string;
  /** A key with every scope of an account of that name, which is made. */
  createAccount(name: string): Promise<string>;
  /** Puts the clock of one process forward, or back, by so much; 0: right again. */
  shiftClock(name: string, ms: number): void;
  folder: string;
  /** Log files of the processes, by name. */
  logs: Map<string, string>;
  /** SIGTERM to all; then Postgres. */
  stop(): Promise<void>;
  /** `kill -9` to all; then Postgres. */
  destroy(): Promise<void>;
  removeFolder(): void;
}

export async function startStack(options: {
  layout: Layout;
  /** The folder of the Postgres to run on; undefined: that which tests start. */
  binaries: string | undefined;
  onMisbehaviour(what: string): void;
  onRefusedStart(name: string): void;
}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "ringback-faults-"));
  const postgresLog = createWriteStream(join(folder, "postgres.log"));
  const database = await startFaultDatabase({
    dataDir: folder,
    binaries: options.binaries,
    log: (line) => postgresLog.write(`${line}\n`),
  });
  const apiKey = `rk_${randomBytes(24).toString("hex")}`;
  const names = Object.keys(options.layout);
  const ports = await findFreePorts(names.length);
  const apiUrl = `http://127.0.0.1:${ports[0]}`;
  const env = {
    RINGBACK_DRAIN_SECONDS: "1",
    PATH: process.env["PATH"],
    DATABASE_URL: database.appUrl,
    RINGBACK_MASTER_KEY: randomBytes(32).toString("base64"),
    RINGBACK_API_KEY: apiKey,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    RINGBACK_PUBLIC_URL: apiUrl,
    LOG_LEVEL: "warn",
  };
  const fileOf = (name: string, kind: string): string => join(folder, `${name}.${kind}`);
  const shiftClock = (name: string, ms: number): void =>
    writeFileSync(fileOf(name, "clock"), String(ms));

  const processes = names.map((name, index) => {
    shiftClock(name, 0);
    return superviseProcess({
      name,
      roles: options.layout[name]!,
      port: ports[index]!,
      env: {
        ...env,
        NODE_OPTIONS: `--import=${SHIFT_CLOCK}`,
        CLOCK_FILE: fileOf(name, "clock"),
      },
      logFile: fileOf(name, "log"),
      onMisbehaviour: options.onMisbehaviour,
      onRefusedStart: options.onRefusedStart,
    });
  });
  const hasRole = (role: string) => (one: SupervisedProcess) =>
    options.layout[one.name]!.split(",").includes(role);
  const stack: Stack = {
    database,
    processes,
    api: processes.find(hasRole("api"))!,
    apiUrl,
    workers: processes.filter(hasRole("deliver")),
    apiKey,
    async createAccount(name) {
      const args = ["keys", "create", "--database", "--account", name];
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args, ...SCOPES], {
        env,
      });
      return stdout.trim();
    },
    shiftClock,
    folder,
    logs: new Map(names.map((name) => [name, fileOf(name, "log")])),
    async stop() {
      await Promise.all(processes.map((one) => one.stop()));
      await database.stop();
    },
    async destroy() {
      for (const one of processes) one.destroy();
      await database.stop();
    },
    removeFolder: () => rmSync(folder, { recursive: true, force: true }),
  };
  try {
    await Promise.all(processes.map((one) => one.ready()));
    return stack;
  } catch (error) {
    await stack.destroy();
    throw error;
  }
}

async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map((server) => {
      server.close();
      return once(server, "close");
    }),
  );
  return ports;
}
