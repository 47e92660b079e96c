import { readConfig } from "../../config.ts";
import type { Role } from "../../config.ts";
import { printBanner } from "../output/banner.ts";
import { startService } from "../../server/start.ts";
import type { Service } from "../../server/start.ts";

/** `npm start` hands on the Ctrl-C that the terminal has already sent: the two are one. */
export const SAME_SIGNAL_MS = 1_000;

/** `ringback serve`: runs until a signal or until it can't go on. */
export async function serve({ roles }: { roles: Role[] }): Promise<void> {
  const { config, secrets } = readConfig(roles);
  let service: Service | null = null;
  let stoppedAt: number | null = null;
  const stop = (exitCode: number): void => {
    if (stoppedAt !== null && performance.now() - stoppedAt < SAME_SIGNAL_MS) return;
    // before it has started, or at a second signal, nothing is waited for
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
      // without its database nothing can be handed back; the next start takes up what was begun
      console.error(`ringback: ${reason}`);
      process.exit(1);
    },
  });
  printBanner(service, config, secrets);
  service.context.telemetry.log.info("ready", { url: service.url, roles: config.roles });
}
