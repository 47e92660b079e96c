import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { serveAgent } from "../agent.ts";
import { openLoop } from "./open-loop.ts";
import type { OpenLoop, Sent } from "./open-loop.ts";
import { createSender } from "./sender.ts";
import type { Load, Sender } from "./sender.ts";

const POLL_MS = 5;

async function using<T>(load: Load, work: (sender: Sender) => Promise<T>): Promise<T> {
  const sender = createSender(load);
  const result = await work(sender);
  await sender.close();
  return result;
}

const operations = {
  /** `count` requests as fast as they are answered. Returns when each was, in ms since the epoch. */
  flood: (load: Load & { count: number }): Promise<Float64Array> =>
    using(load, async (sender) => {
      const ticks: number[] = [];
      await sender.each(async () => {
        while (sender.sent < load.count) {
          await sender.post({ "webhook-id": `msg_${sender.sent}` });
          ticks.push(performance.timeOrigin + performance.now());
        }
      });
      return Float64Array.from(ticks);
    }),

  /**
   * A closed loop: each connection sends its next request after the answer. Returns how many were
   * answered, and how many a second once it was warm.
   */
  closedLoop: (
    load: Load & { warmSeconds: number; seconds: number },
  ): Promise<{ rate: number; answered: number }> =>
    using(load, async (sender) => {
      const begin = performance.now() + load.warmSeconds * 1000;
      const end = begin + load.seconds * 1000;
      let answered = 0;
      await sender.each(async () => {
        while (performance.now() < end) {
          await sender.post();
          const now = performance.now();
          if (now >= begin && now < end) answered += 1;
        }
      });
      return { rate: answered / load.seconds, answered: sender.sent };
    }),

  /**
   * A closed loop around the whole path: at most `outstanding` requests are sent and have not
   * arrived at the receiver. Returns how many were sent.
   */
  wholePath: (
    load: Load & { seconds: number; outstanding: number; arrivedUrl: string },
  ): Promise<number> =>
    using(load, async (sender) => {
      const end = performance.now() + load.seconds * 1000;
      let arrived = 0;
      const watch = async (): Promise<void> => {
        while (performance.now() < end) {
          arrived = Number(await (await fetch(load.arrivedUrl)).text());
          await sleep(POLL_MS);
        }
      };
      const send = async (): Promise<void> => {
        while (performance.now() < end) {
          if (sender.sent - arrived < load.outstanding) await sender.post();
          else await sleep(1);
        }
      };
      await Promise.all([watch(), sender.each(send)]);
      return sender.sent;
    }),

  openLoop: (load: Load & OpenLoop): Promise<Sent> =>
    using(load, (sender) => openLoop(load, (_, key) => sender.post({ "x-request-id": key }))),

  /** Milliseconds of each of `count` GETs, one after the other. */
  lookUps: async (look: {
    url: string;
    headers: Record<string, string>;
    count: number;
  }): Promise<Float64Array> => {
    const { origin, pathname, search } = new URL(look.url);
    const pool = new Pool(origin, { connections: 1 });
    const took = new Float64Array(look.count);
    for (let n = 0; n < look.count; n += 1) {
      const start = performance.now();
      const path = pathname + search;
      const answer = await pool.request({ method: "GET", path, headers: look.headers });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text}`);
      took[n] = performance.now() - start;
    }
    await pool.close();
    return took;
  },
};

export type ClientOperations = typeof operations;

serveAgent(operations);
