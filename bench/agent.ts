import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** What an agent can be asked to do. */
export type Operations = Record<string, (...args: never[]) => Promise<unknown>>;

/** A process of our own that plays one part of the measurement: receiver, client or ceiling. */
export interface Agent<Ops extends Operations> {
  pid: number;
  call<Name extends keyof Ops & string>(
    name: Name,
    ...args: Parameters<Ops[Name]>
  ): Promise<Awaited<ReturnType<Ops[Name]>>>;
  stop(): Promise<void>;
}

interface Question {
  id: number;
  name: string;
  args: never[];
}

interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

const STOP_PATIENCE_MS = 20_000;

/** Starts `agents/<name>`, which must call `serveAgent`. It ends when this process does. */
export function startAgent<Ops extends Operations>(name: string): Agent<Ops> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const child = fork(new URL(`./agents/${name}.${extension}`, import.meta.url), [], {
    serialization: "advanced",
    execArgv: [],
    env: {},
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    // a Ctrl-C goes to the whole group; we end our agents ourselves, when they are done with
    detached: true,
  });
  tie(child);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  let over: Error | null = null;
  const end = (error: Error): void => {
    over ??= error;
    for (const { reject } of waiting.values()) reject(over);
    waiting.clear();
  };
  child.on("error", end);
  child.on("exit", (code, signal) => end(new Error(`the ${name} ended (${signal ?? code})`)));
  child.on("message", ({ id, value, error }: Answer) => {
    const question = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) question?.resolve(value);
    else question?.reject(new Error(`${name}: ${error}`));
  });
  return {
    pid: child.pid ?? 0,
    call(operation, ...args) {
      if (over !== null) return Promise.reject(over);
      asked += 1;
      const question = Promise.withResolvers<unknown>();
      waiting.set(asked, question);
      child.send({ id: asked, name: operation, args } satisfies Question);
      return question.promise as Promise<Awaited<ReturnType<Ops[typeof operation]>>>;
    },
    stop: () => endChild(child, () => child.connected && child.disconnect()),
  };
}

/** In the agent's process: answers until the parent goes away. */
export function serveAgent(operations: Operations): void {
  process.on("message", ({ id, name, args }: Question) => {
    void answer(operations[name], args).then((found) => process.send?.({ id, ...found }));
  });
  process.on("disconnect", () => process.exit());
}

async function answer(
  operation: Operations[string] | undefined,
  args: never[],
): Promise<Omit<Answer, "id">> {
  try {
    return { value: await operation!(...args) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** It does not outlive this process, however this process ends (but for a kill). */
export function tie(child: ChildProcess): void {
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}

/** Asks a child to end and, when it takes too long, makes it. */
export async function endChild(child: ChildProcess, ask: () => unknown): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  ask();
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_PATIENCE_MS);
  await gone;
  clearTimeout(timer);
}
