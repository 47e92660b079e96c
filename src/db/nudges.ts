import { CHANNELS } from "./notifier.ts";
import type { Tx } from "./transaction.ts";

/** The most ids per nudge, as a payload has less than 8,000 bytes. */
const PER_NUDGE = 200;

/**
 * Nudges the holders of these lanes, in whichever process, as deliveries came; or, with `"jobs"`,
 * the processes that compute, as there are more jobs than this one has threads for. A nudge may be
 * lost: its receivers also look by themselves.
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
