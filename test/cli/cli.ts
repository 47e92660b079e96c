import { runProgram } from "../../src/cli/program.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { createTestDatabase } from "../support/database.ts";
import type { TestDatabase } from "../support/database.ts";
import { TEST_MASTER_KEY } from "../support/context.ts";
import { endProcess, startRingback } from "../support/ringback-process.ts";
import type { Environment, RingbackProcess } from "../support/ringback-process.ts";

const ADMIN_KEY = "rk_command_line_admin_key";

export interface Json {
  id: string;
  next_cursor: string | null;
  [name: string]: unknown;
}

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
  /** Standard output parsed as one JSON document. */
  json(): Json & { data: Json[] };
}

export interface RunOptions {
  env?: Environment;
  stdin?: string;
  /** Columns of a terminal; absent: it is a pipe. */
  tty?: number;
}

/** A command under way, in this process. */
export interface Running {
  output: { stdout: string; stderr: string };
  ended: Promise<Ran>;
  /** Ctrl-C. */
  interrupt(): void;
  /** Waits for text in what was written. */
  wrote(text: string | RegExp): Promise<RegExpMatchArray>;
}

/** Starts a command line as `main.ts` does, with its streams held here. */
export function startCommand(args: readonly string[], options: RunOptions = {}): Running {
  const output = { stdout: "", stderr: "" };
  const interrupts = new Set<() => void>();
  const sink = (name: "stdout" | "stderr") => ({
    write: (text: string) => (output[name] += text),
    ...(options.tty === undefined ? {} : { isTTY: true, columns: options.tty }),
  });
  async function* stdin(): AsyncGenerator<Buffer> {
    yield Buffer.from(options.stdin ?? "");
  }
  const terminal: Terminal = {
    stdin: stdin(),
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    environment: options.env ?? {},
    onInterrupt(callback) {
      interrupts.add(callback);
      return () => interrupts.delete(callback);
    },
  };
  const ended = runProgram(args, terminal).then((code) => ({
    code,
    ...output,
    json: () => JSON.parse(output.stdout) as ReturnType<Ran["json"]>,
  }));
  return {
    output,
    ended,
    interrupt: () => interrupts.forEach((callback) => callback()),
    async wrote(text) {
      const deadline = performance.now() + 15_000;
      for (;;) {
        const found = (output.stdout + output.stderr).match(text);
        if (found !== null) return found;
        if (performance.now() > deadline) {
          throw new Error(`waited in vain for ${String(text)}:\n${output.stdout}${output.stderr}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
  };
}

export interface TestServer {
  database: TestDatabase;
  process: RingbackProcess;
  url: string;
  /** What the process has set. */
  settings: Environment;
  /** What a client of it has set. */
  env: Environment;
  run(args: string, options?: RunOptions): Promise<Ran>;
  start(args: string, options?: RunOptions): Running;
  stop(): Promise<void>;
}

/** `ringback serve` as a process, on a database of its own. */
export async function startServer(): Promise<TestServer> {
  const database = await createTestDatabase();
  const settings = {
    DATABASE_URL: database.url,
    RINGBACK_MASTER_KEY: TEST_MASTER_KEY,
    RINGBACK_API_KEY: ADMIN_KEY,
    RINGBACK_ALLOW_TARGETS: "127.0.0.0/8",
    PORT: "0",
  };
  const process = startRingback(["serve"], settings);
  const url = await urlOf(process);
  const env = { RINGBACK_URL: url, RINGBACK_API_KEY: ADMIN_KEY };
  const start = (args: string, options: RunOptions = {}): Running =>
    startCommand(splitWords(args), { ...options, env: { ...env, ...options.env } });
  return {
    database,
    process,
    url,
    settings,
    env,
    start,
    run: async (args, options) => await start(args, options).ended,
    async stop() {
      await endProcess(process);
      await database.drop();
    },
  };
}

/** Where it listens, once it is ready. */
export async function urlOf(process: RingbackProcess): Promise<string> {
  await process.wrote('"message":"ready"');
  return /http:\/\/127\.0\.0\.1:\d+/.exec(process.output.stdout)![0];
}

/** As a shell does, with single quotes only. */
export function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}
