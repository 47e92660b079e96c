import { ConfigError, readConfig } from "../../config.ts";
import { startService } from "../start.ts";
import type { Service } from "../start.ts";
import type { FromProcess, ToProcess } from "./messages.ts";
import { createQuestions } from "./questions.ts";

/** One of several processes, started by `startProcesses`. It has the environment of its supervisor. */

/** Longer than a process that is asked may take. */
const PAGES_PATIENCE_MS = 2_000;

const pages = createQuestions<string[]>();
let service: Service | null = null;
let stopping = false;

process.on("message", (message: ToProcess) => {
  if (message.kind === "start") void start(message);
  else if (message.kind === "stop") stop();
  else if (message.kind === "pages") pages.answered(message.id, message.pages);
  else {
    void service?.context.telemetry.metrics
      .page()
      .then((page) => send({ kind: "page", id: message.id, page }));
  }
});
// without its supervisor nobody would start it again: its work is handed back, the port given free
process.on("disconnect", () => stop(0));
// a terminal and some service managers signal the supervisor and its processes
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop());

function send(message: FromProcess, sent = (): void => undefined): void {
  if (process.connected) process.send!(message, undefined, undefined, sent);
  else sent();
}

async function start({
  share,
  roles,
  readableLog,
}: Extract<ToProcess, { kind: "start" }>): Promise<void> {
  try {
    service = await startService({
      ...readConfig(roles),
      readableLog,
      share,
      pagesOfOthers: async () =>
        (await pages.ask((id) => send({ kind: "pages", id }), PAGES_PATIENCE_MS)) ?? [],
    });
    send({ kind: "ready", url: service.url, apiKey: service.apiKey });
  } catch (error) {
    const reason = (error as Error).message;
    const lasting = error instanceof ConfigError;
    send({ kind: "failed", reason, lasting }, () => process.exit(1));
  }
}

function stop(drainS?: number): void {
  if (stopping) return;
  stopping = true;
  // before the start is over there is nothing to hand back
  if (service === null) process.exit(0);
  service.stop(drainS).then(
    () => process.exit(0),
    (error: unknown) => {
      service!.context.telemetry.unexpectedError(error, { what: "stopping" });
      process.exit(1);
    },
  );
}
