import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
/** The grace of ten seconds and what a busy machine adds. */
const STOP_LIMIT_MS = 15_000;
const RESTART_DELAY_MS = 200;

export interface SupervisedProcess {
  name: string;
  port: number;
  pid(): number;
  /** `kill -9`; the supervisor starts it again at once. Resolves when it is dead. */
  kill(): Promise<void>;
  /** `kill -STOP` and `kill -CONT`. */
  pause(): void;
  resume(): void;
  /** SIGTERM, and a new one. Resolves when the new one answers. */
  restart(): Promise<void>;
  /** Until it answers that it is ready. */
  ready(limitMs?: number): Promise<void>;
  /** Resolves when the doomed first one is dead. */
  doom: Promise<void>;
  /** SIGTERM for good. */
  stop(): Promise<void>;
  /** Of last resort. */
  destroy(): void;
}

export interface ProcessOptions {
  name: string;
  roles: string;
  port: number;
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** The first one carries a module that kills it; those after it don't. */
  doomed?: { preload: string; env: NodeJS.ProcessEnv };
  /** It ended by itself, or not as it was told to. */
  onMisbehaviour(what: string): void;
  /** It refused to start, which is right only while the database is away. */
  onRefusedStart(name: string): void;
}

/** One process of the product, started again whenever it ends, as a supervisor would. */
export function superviseProcess(options: ProcessOptions): SupervisedProcess {
  const { name, port, onMisbehaviour } = options;
  let expected: "nothing" | "death" | "end" = options.doomed ? "death" : "nothing";
  let over = false;
  let child = launch(options.doomed);
  const doom = once(child, "exit").then(([, signal]) => {
    if (options.doomed && signal !== "SIGKILL") onMisbehaviour(`${name} was not killed`);
  });

  function launch(doomed?: ProcessOptions["doomed"]): ChildProcess {
    const log = openSync(options.logFile, "a");
    const preload = doomed === undefined ? [] : ["--import", doomed.preload];
    const args = [...preload, MAIN, "serve", "--roles", options.roles];
    const started = spawn(process.execPath, args, {
      env: { ...options.env, ...doomed?.env, PORT: String(port) },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    let serves = false;
    void isServing(port, () => started.exitCode === null && started.signalCode === null).then(
      (yes) => (serves = yes),
    );
    started.once("exit", (code, signal) => {
      const refused = expected !== "death" && code === 1 && !serves;
      if (refused) options.onRefusedStart(name);
      else if (expected === "nothing")
        onMisbehaviour(`${name} ended by itself (${signal ?? code})`);
      if (expected === "end" && code !== 0 && !refused) {
        onMisbehaviour(`${name} was told to stop and ended with ${signal ?? `code ${code}`}`);
      }
      expected = "nothing";
      if (over) return;
      if (refused) setTimeout(() => over || (child = launch()), RESTART_DELAY_MS);
      else child = launch();
    });
    return started;
  }

  async function end(): Promise<void> {
    const ending = child;
    expected = "end";
    const gone = once(ending, "exit");
    const late = new AbortController();
    ending.kill("SIGTERM");
    void sleep(STOP_LIMIT_MS, undefined, { signal: late.signal }).then(
      () => {
        onMisbehaviour(`${name} did not stop within ${STOP_LIMIT_MS} ms of SIGTERM`);
        expected = "death";
        ending.kill("SIGKILL");
      },
      () => undefined,
    );
    await gone;
    late.abort();
  }

  async function ready(limitMs = 30_000): Promise<void> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
        signal: AbortSignal.timeout(5_000),
      }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.status === 200) return;
      if (performance.now() > deadline) throw new Error(`${name} is not ready in ${limitMs} ms`);
      await sleep(50);
    }
  }

  return {
    name,
    port,
    pid: () => child.pid ?? 0,
    doom,
    async kill() {
      expected = "death";
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async restart() {
      await end();
      await ready();
    },
    ready,
    async stop() {
      over = true;
      await end();
    },
    destroy() {
      over = true;
      expected = "death";
      child.kill("SIGKILL");
    },
  };
}

/** True when the process has started and answers; false when it ended before. */
async function isServing(port: number, lives: () => boolean): Promise<boolean> {
  while (lives()) {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(2_000),
    }).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.status === 200) return true;
    await sleep(100);
  }
  return false;
}
