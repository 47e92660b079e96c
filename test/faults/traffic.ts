import { setTimeout as sleep } from "node:timers/promises";

/** Some clients that do the same again and again, each after a pause, until they are stopped. */
export interface Traffic {
  /** Resolves when the last of them is done. */
  stop(): Promise<void>;
}

export function startTraffic(options: {
  clients: number;
  pauseMs: number;
  send(): Promise<unknown>;
  signal: AbortSignal;
}): Traffic {
  const { clients, pauseMs, send, signal } = options;
  let over = false;
  async function client(): Promise<void> {
    while (!over && !signal.aborted) {
      await send();
      await sleep(pauseMs * (0.5 + Math.random()));
    }
  }
  const sending = Array.from({ length: clients }, client);
  // an interruption is told by stop()
  for (const one of sending) one.catch(() => undefined);
  return {
    async stop() {
      over = true;
      await Promise.all(sending);
    },
  };
}
