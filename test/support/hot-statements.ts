import { setTimeout as sleep } from "node:timers/promises";
import { createTestContext } from "./context.ts";
import { callbackTo, endpointAt, submit, until } from "./jobs.ts";
import { listenIn, type Asked } from "./plans.ts";
import { startReceiver } from "./receiver.ts";

/**
 * Each statement once that is issued while jobs are submitted, computed and delivered, the queue's
 * and those of a heartbeat as well, on a database of its own.
 */
export async function askedForJobs(): Promise<Asked[]> {
  const receiver = await startReceiver();
  const api = await createTestContext({ worker: false });
  try {
    const asked = await listenIn(async () => {
      await endpointAt(api, `${receiver.url}/endpoint`);
      const worker = await createTestContext({ database: api.database });
      for (let n = 0; n < 3; n += 1) {
        const callbacks = [callbackTo(`${receiver.url}/callback`)];
        await submit(api, { type: "demo.echo", input: {}, callbacks });
      }
      await until("all webhooks", () => receiver.requests.length >= 6);
      // two beats
      await sleep(1_000);
      await worker.stop();
    });
    const statements = new Map(asked.map((query) => [query.text, query]));
    return [...statements.values()].filter(({ text }) =>
      /^\s*(select|with|insert|update|delete)\b/.test(text),
    );
  } finally {
    await api.stop();
    await receiver.close();
  }
}
