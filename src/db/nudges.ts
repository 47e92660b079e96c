import { CHANNELS } from "./notifier.ts";
import type { Tx } from "./transaction.ts";

/** A payload has less than 8,000 bytes. */
const PER_NUDGE = 200;

/**
 * Tells the holders of lanes, in whichever process, that something came for them; or, `"jobs"`,
 * those that compute that there is more than this process has threads for. A nudge may be lost:
 * what depends on it also looks by itself.
 */
export async function nudgeProcesses(tx: Tx, what: readonly string[]): Promise<void> {
  const payloads: string[] = [];
  for (let i = 0; i < what.length; i += PER_NUDGE) {
    payloads.push(what.slice(i, i + PER_NUDGE).join(" "));
  }
  await tx.query({
    name: "nudge_processes",
    text: `select pg_notify('${CHANNELS.nudges}', payload) from unnest($1::text[]) payload`,
    values: [payloads],
  });
}
