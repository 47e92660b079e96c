import type { Context } from "../context.ts";

type NudgedContext = Pick<Context, "notifier" | "jobs" | "pumps">;

/**
 * Follows the nudges of other processes: looks for the work they name. Resolves when nudges can
 * arrive; returns the function that ends it. The process must be registered: it claims jobs.
 */
export async function followNudges({ notifier, jobs, pumps }: NudgedContext): Promise<() => void> {
  const leave = notifier.subscribe("nudges", {
    notified(payload) {
      for (const what of payload.split(" ")) {
        if (what === "jobs") void jobs.look(true);
        else pumps.get(what)?.nudge();
      }
    },
    missed() {
      void jobs.look(true);
      for (const pump of pumps.values()) pump.nudge();
    },
  });
  await notifier.listening();
  return leave;
}
