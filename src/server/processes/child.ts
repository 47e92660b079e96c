import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../config.ts";
import type { FromProcess, ToProcess } from "./messages.ts";
import { createQuestions } from "./questions.ts";

const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const MAIN = fileURLToPath(new URL(`main.${EXTENSION}`, import.meta.url));
const PAGE_PATIENCE_MS = 1_000;

type Started = Extract<FromProcess, { kind: "ready" }>;

/** One of the processes, as its supervisor sees it. */
export interface Child {
  pid: number;
  /** Rejects when it can't start, with a ConfigError when no later one could. */
  started: Promise<Started>;
  /** How it ended: `code 1`, `SIGKILL`. Never rejects. */
  ended: Promise<string>;
  hasEnded(): boolean;
  /** Its metrics; null when it does not answer. */
  page(): Promise<string | null>;
  stop(): void;
  kill(): void;
}

/** @param pagesOfOthers the metrics of all other processes */
export function startChild(
  start: Extract<ToProcess, { kind: "start" }>,
  pagesOfOthers: () => Promise<string[]>,
): Child {
  const child = fork(MAIN, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const pages = createQuestions<string>();
  const started = Promise.withResolvers<Started>();
  let over = false;
  // one that has just ended takes no message
  const send = (message: ToProcess): unknown =>
    child.connected && child.send(message, () => undefined);

  child.on("message", (message: FromProcess) => {
    if (message.kind === "ready") started.resolve(message);
    else if (message.kind === "failed") started.reject(failureOf(message));
    else if (message.kind === "page") pages.answered(message.id, message.page);
    else void pagesOfOthers().then((found) => send({ ...message, pages: found }));
  });
  const ended = once(child, "exit").then(
    ([code, signal]) => (code === null ? String(signal) : `code ${code}`),
    (error: Error) => error.message,
  );
  void ended.then((how) => {
    over = true;
    started.reject(new Error(`process ${start.share.number} ended before it was ready (${how})`));
  });
  // whoever waits for it is told
  started.promise.catch(() => undefined);
  send(start);
  return {
    pid: child.pid ?? 0,
    started: started.promise,
    ended,
    hasEnded: () => over,
    page: async () =>
      over ? null : await pages.ask((id) => send({ kind: "page", id }), PAGE_PATIENCE_MS),
    stop: () => void send({ kind: "stop" }),
    kill: () => void child.kill("SIGKILL"),
  };
}

function failureOf({ reason, lasting }: Extract<FromProcess, { kind: "failed" }>): Error {
  return lasting ? new ConfigError(reason) : new Error(reason);
}
