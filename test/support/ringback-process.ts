import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { TEST_MASTER_KEY } from "./context.ts";
import type { TestDatabase } from "./database.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A `ringback` of its own process. */
export interface RingbackProcess {
  child: ChildProcess;
  pid: number;
  /** What it has written so far. */
  output: { stdout: string; stderr: string };
  /** Never rejects. */
  ended: Promise<Ended>;
  /** Resolves when the text was written, rejects when the process ends without it. */
  wrote(text: string, timeoutMs?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

export type Environment = Record<string, string | undefined>;

/**
 * Starts `ringback <args>` with this environment and a PATH; nothing else is inherited. It stops
 * without waiting for new connections, unless the environment says otherwise.
 */
export function startRingback(
  args: readonly string[],
  env: Environment,
  options: { cwd?: string } = {},
): RingbackProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      RINGBACK_DRAIN_SECONDS: "0",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  const output = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
      for (const watcher of watchers) watcher();
    });
  }
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...output,
  }));
  return {
    child,
    pid: child.pid!,
    output,
    ended,
    async wrote(text, timeoutMs = 45_000) {
      await new Promise<void>((resolve, reject) => {
        const fail = (what: string): void =>
          reject(new Error(`${what} before ${JSON.stringify(text)}:\n${output.stderr}`));
        const timer = setTimeout(() => fail("time was up"), timeoutMs);
        const look = (): void => {
          if (!output.stdout.includes(text) && !output.stderr.includes(text)) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        void ended.then(() => fail("it ended"));
        look();
      });
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** Runs `ringback <args>` to its end. */
export async function runRingback(args: readonly string[], env: Environment): Promise<Ended> {
  return await startRingback(args, env).ended;
}

/** A worker on the test's database, ready. */
export async function startWorkerProcess(
  { url }: Pick<TestDatabase, "url">,
  roles = "compute,deliver",
  env: Environment = {},
): Promise<RingbackProcess> {
  const worker = startRingback(["serve", "--roles", roles], {
    DATABASE_URL: url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    PORT: "0",
    ...env,
  });
  await worker.wrote('"message":"ready"');
  return worker;
}

/** Ends it at once, if it has not ended. */
export async function endProcess(ringback: RingbackProcess | undefined): Promise<void> {
  if (ringback === undefined) return;
  ringback.kill("SIGCONT");
  ringback.kill("SIGKILL");
  await ringback.ended;
}
