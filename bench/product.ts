import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endChild, tie } from "./agent.ts";

/** A process of the product, started as an operator would start it. */
export interface ProductProcess {
  roles: string;
  pid: number;
  /** Of its API. */
  url: string;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
}

interface ProductOptions {
  /** As `serve --roles` takes them. */
  roles: string;
  databaseUrl: string;
  masterKey: string;
  /** As `serve --processes` takes them. */
  processes: number;
  /** Where its log goes: `<name>.log`. */
  folder: string;
  name: string;
  /** Where its CPU profile goes when it ends. */
  profileFolder: string | null;
}

const START_PATIENCE_MS = 30_000;

/** Starts `ringback serve` with the settings of an operator and waits until it is ready. */
export async function startProduct(options: ProductOptions): Promise<ProductProcess> {
  const { roles, name, processes } = options;
  const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url));
  const logFile = path.join(options.folder, `${name}.log`);
  const profile =
    options.profileFolder === null
      ? []
      : [
          "--cpu-prof",
          `--cpu-prof-dir=${options.profileFolder}`,
          // several can't have the same
          ...(processes > 1 ? [] : [`--cpu-prof-name=${name}.cpuprofile`]),
        ];
  const log = openSync(logFile, "w");
  const args = ["serve", "--roles", roles, "--processes", String(processes)];
  const child = spawn(process.execPath, [...profile, main, ...args], {
    env: {
      DATABASE_URL: options.databaseUrl,
      RINGBACK_MASTER_KEY: options.masterKey,
      RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
      PORT: "0",
    },
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  tie(child);
  const stop = (): Promise<void> => endChild(child, () => child.kill("SIGTERM"));
  try {
    const url = await untilReady(child, logFile);
    return { roles, pid: child.pid!, url, stop };
  } catch (error) {
    child.kill("SIGKILL");
    await stop();
    throw error;
  }
}

async function untilReady(child: ChildProcess, logFile: string): Promise<string> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    const text = readFileSync(logFile, "utf8");
    const line = text.split("\n").find((one) => one.includes(`"message":"ready"`));
    if (line !== undefined) return (JSON.parse(line) as { url: string }).url;
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      throw new Error(`serve did not start:\n${text}`);
    }
    await sleep(20);
  }
}
