import { randomBytes } from "node:crypto";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFaultDatabase } from "./fault-database.ts";
import type { FaultDatabase } from "./fault-database.ts";
import { superviseProcess } from "./supervised-process.ts";
import type { SupervisedProcess } from "./supervised-process.ts";

/** The real thing: one Postgres behind a proxy, one process for the API, two that work. */
export interface Stack {
  database: FaultDatabase;
  api: SupervisedProcess;
  workers: SupervisedProcess[];
  apiUrl: string;
  apiKey: string;
  folder: string;
  /** Log files of the processes, by name. */
  logs: Map<string, string>;
  /** SIGTERM to all; then Postgres. */
  stop(): Promise<void>;
  /** `kill -9` to all; then Postgres. */
  destroy(): Promise<void>;
  removeFolder(): void;
}

export async function startStack(watch: {
  onMisbehaviour(what: string): void;
  onRefusedStart(name: string): void;
}): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "ringback-faults-"));
  const postgresLog = createWriteStream(join(folder, "postgres.log"));
  const logs = new Map<string, string>();
  const processes: SupervisedProcess[] = [];
  const database = await startFaultDatabase(folder, (line) => postgresLog.write(`${line}\n`));
  const apiKey = `rk_${randomBytes(24).toString("hex")}`;
  const [apiPort, ...workerPorts] = await findFreePorts(3);
  const apiUrl = `http://127.0.0.1:${apiPort}`;
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

  function supervise(name: string, roles: string, port: number): SupervisedProcess {
    const logFile = join(folder, `${name}.log`);
    logs.set(name, logFile);
    const made = superviseProcess({ name, roles, port, env, logFile, ...watch });
    processes.push(made);
    return made;
  }

  const api = supervise("api", "api", apiPort!);
  const workers = workerPorts.map((port, index) =>
    supervise(`worker-${index + 1}`, "compute,deliver", port),
  );
  const stack: Stack = {
    database,
    api,
    workers,
    apiUrl,
    apiKey,
    folder,
    logs,
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
