import type { Load } from "../context.ts";

const SAMPLE_MS = 100;
const BUSY = 0.9;

export function createLoad(): Load {
  let since = performance.eventLoopUtilization();
  let sampledAt = performance.now();
  let busy = true;
  return {
    bytes: 0,
    sends: 0,
    isBusy() {
      const now = performance.now();
      if (now - sampledAt < SAMPLE_MS) return busy;
      // a process that begins to work is taken for busy until the first sample
      const begins = now - sampledAt > 10 * SAMPLE_MS;
      busy = begins || performance.eventLoopUtilization(since).utilization > BUSY;
      since = performance.eventLoopUtilization();
      sampledAt = now;
      return busy;
    },
  };
}
