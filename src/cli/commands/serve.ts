import type { Logger } from "winston";
import { readConfig } from "../../config.ts";
import type { Config, Role, Secrets } from "../../config.ts";
import { printBanner } from "../output/banner.ts";

/** Time within which two signals are one: `npm start` repeats the Ctrl-C of the terminal. */
export const SAME_SIGNAL_MS = 1_000;

/** What runs: the service in this process, or several processes. */
interface Running {
  url: string;
  apiKey: string | null;
  log: Logger;
  stop(): Promise<void>;
}

/** `ringback serve`: runs until a signal or until it can't go on. */
export async function serve(options: { roles: Role[]; processes?: number }): Promise<void> {
  const { config, secrets } = readConfig(options.roles);
  const { processes = config.processes } = options;
  let running: Running | null = null;
  let stoppedAt: number | null = null;
  const stop = (exitCode: number): void => {
    if (stoppedAt !== null && performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
    // before the start is over, or at a second signal, the process ends at once
    if (running === null || stoppedAt !== null) process.exit(exitCode || 1);
    stoppedAt = performance.now();
    running.log.info("stopping");
    running.stop().then(
      () => process.exit(exitCode),
      (error: Error) => {
        console.error(`ringback: stopped with an error: ${error.message}`);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop(0));
  running = await start({ config, secrets, processes });
  printBanner(running, { ...config, processes }, secrets);
  running.log.info("ready", {
    url: running.url,
    roles: config.roles,
    ...(processes > 1 && { processes }),
  });
}

/** Starts the service, with no more of the program than it needs. */
async function start(settings: {
  config: Config;
  secrets: Secrets;
  processes: number;
}): Promise<Running> {
  const options = {
    ...settings,
    readableLog: process.stderr.isTTY,
    onFatal(reason: string) {
      // without the database no run can be handed back; the next start goes on with them
      console.error(`ringback: ${reason}`);
      process.exit(1);
    },
  };
  if (settings.processes > 1) {
    const { startProcesses } = await import("../../server/processes/supervise.ts");
    return await startProcesses(options);
  }
  const { startService } = await import("../../server/start.ts");
  const service = await startService(options);
  return { ...service, log: service.context.telemetry.log };
}
