import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import type { PostgresAccount } from "./binaries.ts";
import { POSTGRES_ENV, readPostmasterFile } from "./cluster.ts";

/** As on a real server. Durability (fsync, synchronous_commit, full_page_writes) keeps its default: on. */
const SETTINGS = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "cluster_name=ringback",
  "max_connections=200",
  "shared_buffers=128MB",
  "max_wal_size=2GB",
  "wal_compression=on",
  "jit=off",
  "log_checkpoints=off",
];

const STOP_PATIENCE_MS = 10_000;
/** Recovery after a crash replays the write-ahead log, which takes a while at worst. */
const START_PATIENCE_MS = 300_000;
const MAX_TRIES = 20;

export interface PostgresProcess {
  port: number;
  pid: number;
  stop(): Promise<void>;
  onExit(callback: (reason: string) => void): void;
}

interface LaunchOptions {
  postgres: string;
  clusterDir: string;
  account: PostgresAccount;
  flags: string[];
  log: (line: string) => void;
  /** Called, synchronously, when this process ends while the server runs. */
  onProcessExit: () => void;
}

/** Starts the server and waits until it takes connections. */
export async function launchPostgres(options: LaunchOptions): Promise<PostgresProcess> {
  for (let tries = 1; ; tries += 1) {
    const port = await findFreePort();
    try {
      return await launchOnPort(options, port);
    } catch (error) {
      // Taken: another program was given the port since. Still in use: backends of a server that
      // was killed are on their way out.
      const passing = /could not create any TCP\/IP sockets|is still in use/.test(String(error));
      if (!passing || tries === MAX_TRIES) throw error;
      await delay(250);
    }
  }
}

async function launchOnPort(options: LaunchOptions, port: number): Promise<PostgresProcess> {
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  const child = spawn(
    options.postgres,
    ["-D", options.clusterDir, "-p", String(port), ...settings, ...options.flags],
    {
      ...options.account,
      cwd: "/",
      detached: true,
      env: POSTGRES_ENV,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const output: string[] = [];
  let ready = false;
  createInterface({ input: child.stderr }).on("line", (line) => {
    if (!ready && output.length < 200) output.push(line);
    options.log(line);
  });
  child.stderr.on("error", () => undefined);

  const endAtExit = (): void => {
    signal(child, "SIGINT");
    options.onProcessExit();
  };
  process.once("exit", endAtExit);
  const ended = new Promise<string>((settle) => {
    child.once("error", (error) => {
      output.push(error.message);
      settle("could not be run");
    });
    // "close", not "exit": its last words must have been read.
    child.once("close", (code, by) => {
      settle(code === null ? `ended by ${by}` : `ended with code ${code}`);
    });
  });
  void ended.then(() => process.off("exit", endAtExit));

  if (!(await becomesReady(options.clusterDir, child, ended))) {
    if (isRunning(child)) await stopChild(child, ended);
    throw new Error(output.length > 0 ? output.join("\n") : await ended);
  }
  ready = true;
  return handleOf(child, port, ended);
}

function handleOf(child: ChildProcess, port: number, ended: Promise<string>): PostgresProcess {
  // Whether this process goes on is for its own work to decide.
  child.unref();
  (child.stderr as (typeof child)["stderr"] & { unref?(): void })?.unref?.();
  let stopping: Promise<void> | undefined;
  return {
    port,
    pid: child.pid ?? 0,
    stop() {
      stopping ??= stopChild(child, ended);
      return stopping;
    },
    onExit(callback) {
      void ended.then((reason) => {
        if (stopping === undefined) callback(`the embedded database ${reason}`);
      });
    },
  };
}

async function becomesReady(
  clusterDir: string,
  child: ChildProcess,
  ended: Promise<string>,
): Promise<boolean> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    const state = readPostmasterFile(clusterDir);
    if (state?.ready === true && state.pid === child.pid) return true;
    const next = await Promise.race([ended, delay(10, "look again" as const)]);
    if (next !== "look again" || performance.now() > deadline) return false;
  }
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  child.ref();
  signal(child, "SIGINT");
  const patience = new AbortController();
  void delay(STOP_PATIENCE_MS, undefined, { signal: patience.signal }).then(
    () => signal(child, "SIGQUIT"),
    () => undefined,
  );
  await ended;
  patience.abort();
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (isRunning(child)) child.kill(name);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
