import { readConfig } from "../../config.ts";
import type { Role } from "../../config.ts";
import { printBanner } from "../output/banner.ts";
import { startService } from "../../server/start.ts";
import type { Service } from "../../server/start.ts";

/** Time within which two signals are one: `npm start` repeats the Ctrl-C of the terminal. */
export const SAME_SIGNAL_MS = 1_000;

/** `ringback serve`: runs until a signal or until it can't go on. */
export async function serve({ roles }: { roles: Role[] }): Promise<void> {
  const { config, secrets } = readConfig(roles);
  let service: Service | null = null;
  let stoppedAt: number | null = null;
  const stop = (exitCode: number): void => {
    if (stoppedAt !== null && performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
    // before the start is over, or at a second signal, the process ends at once
    if (service === null || stoppedAt !== null) process.exit(exitCode || 1);
    stoppedAt = performance.now();
    service.context.telemetry.log.info("stopping");
    service.stop().then(
      () => process.exit(exitCode),
      (error: Error) => {
        console.error(`ringback: stopped with an error: ${error.message}`);
        process.exit(1);
      },
    );
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop(0));
  service = await startService({
    config,
    secrets,
    readableLog: process.stderr.isTTY,
    onFatal(reason) {
      // without the database no run can be handed back; the next start goes on with them
      console.error(`ringback: ${reason}`);
      process.exit(1);
    },
  });
  printBanner(service, config, secrets);
  service.context.telemetry.log.info("ready", { url: service.url, roles: config.roles });
}
