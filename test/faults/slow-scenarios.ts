import { setTimeout as sleep } from "node:timers/promises";
import { throttle } from "./duty-cycle.ts";
import type { Inject, Scene, SlowTime } from "./incident.ts";
import { pick } from "./random.ts";
import type { Random } from "./random.ts";
import type { Stack } from "./stack.ts";
import { startTraffic } from "./traffic.ts";

/** How it goes without the fault is measured for this long, right before. */
const CALM_MS = 4_000;
const CPU_SHARE = 0.25;
const FSYNC_STALL_MS = 3_000;
const FSYNC_FLOWS_MS = 2_000;
const HOUR_MS = 3_600_000;

type Slowness = Pick<SlowTime, "roundTripMs" | "share" | "stallMs">;
const NOT_SLOW: Slowness = { roundTripMs: 0, share: 1, stallMs: 0 };

/** A fault that has begun; its end tells how slow it was. */
interface Begun {
  target: string;
  end(): Slowness | Promise<Slowness>;
}
type Begin = (stack: Stack, random: Random, scene: Scene) => Begun | Promise<Begun>;
/** Load of its own, from before the calm time until after the fault; returns its end. */
type Around = (stack: Stack, scene: Scene) => Promise<() => Promise<void>>;

/** Databases that work, but slowly; and clocks that are wrong. */
export const SLOW = {
  "latency-5": slowly(roundTrip(5)),
  "latency-50": slowly(roundTrip(50)),
  "latency-200": slowly(roundTrip(200)),
  "slow-cpu": slowly(({ database }) => {
    const end = throttle(database.pid(), CPU_SHARE);
    return { target: "postgres", end: () => ({ ...NOT_SLOW, share: end() }) };
  }),
  // a report that runs for hours: nothing that died since can be cleared away
  "pinned-xmin": slowly(async ({ database }) => {
    const client = await database.connect();
    await client.query("begin isolation level repeatable read");
    await client.query("select txid_current(), count(*) from jobs");
    return {
      target: "postgres",
      async end() {
        await client.end();
        return NOT_SLOW;
      },
    };
  }, publishToOrderedLanes),
  "fsync-stall": slowly(stallCommits),
  "clock-forward": slowly(jump(HOUR_MS)),
  "clock-back": slowly(jump(-HOUR_MS)),
} satisfies Record<string, Inject>;

function slowly(begin: Begin, around?: Around): Inject {
  return async (stack, random, scene) => {
    const endAround = await around?.(stack, scene);
    try {
      const calmFrom = Date.now();
      await sleep(CALM_MS, undefined, { signal: scene.signal });
      const from = Date.now();
      const { target, end } = await begin(stack, random, scene);
      let slowness = NOT_SLOW;
      try {
        await sleep(scene.holdMs, undefined, { signal: scene.signal });
      } finally {
        slowness = await end();
      }
      const to = Date.now();
      return { target, to, workerId: null, slow: { calmFrom, from, to, ...slowness } };
    } finally {
      await endAround?.();
    }
  };
}

function roundTrip(roundTripMs: number): Begin {
  return ({ database }) => {
    database.proxy.setRoundTrip(roundTripMs);
    return {
      target: "network",
      end() {
        database.proxy.setRoundTrip(0);
        return { ...NOT_SLOW, roundTripMs };
      },
    };
  };
}

/**
 * Commits that stand still for seconds, again and again, as while the disk takes its time for an
 * fsync: each waits, with its locks, for a standby that is not there. Reads go on. Unlike in an
 * fsync, whoever waits could be canceled.
 */
async function stallCommits({ database }: Stack): Promise<Begun> {
  const began = performance.now();
  const over = new AbortController();
  let stalledMs = 0;
  const reload = async (sql: string): Promise<void> => {
    await database.query(sql);
    await database.query("select pg_reload_conf()");
  };
  const pause = (ms: number): Promise<void> =>
    sleep(ms, undefined, { signal: over.signal }).catch(() => undefined);

  async function stallAgainAndAgain(): Promise<void> {
    while (!over.signal.aborted) {
      const from = performance.now();
      try {
        await reload("alter system set synchronous_standby_names = 'nobody'");
        await pause(FSYNC_STALL_MS);
      } finally {
        await reload("alter system reset synchronous_standby_names");
      }
      stalledMs += performance.now() - from;
      await pause(FSYNC_FLOWS_MS);
    }
  }
  const stalling = stallAgainAndAgain();
  return {
    target: "postgres",
    async end() {
      over.abort();
      await stalling;
      const share = 1 - stalledMs / (performance.now() - began);
      return { ...NOT_SLOW, share, stallMs: FSYNC_STALL_MS };
    },
  };
}

function jump(ms: number): Begin {
  return ({ processes, shiftClock }, random) => {
    const { name } = pick(random, processes);
    shiftClock(name, ms);
    return {
      target: name,
      end() {
        shiftClock(name, 0);
        return NOT_SLOW;
      },
    };
  };
}

const ORDERED_LANES = 3;
const PUBLISHERS = 8;

/** Rows that are updated all the time: each message takes a place in several ordered lanes. */
async function publishToOrderedLanes(
  _: Stack,
  { client, receivers, signal, onMisbehaviour }: Scene,
): Promise<() => Promise<void>> {
  const receiver = await receivers.open(() => ({ status: 204, delayMs: 0 }));
  for (let i = 0; i < ORDERED_LANES; i++) {
    const path = `/ordered-${i}`;
    const made = await client.insist("POST", "/v1/endpoints", {
      body: JSON.stringify({ url: receiver.url + path, ordered: true, events: ["tick"] }),
    });
    receiver.setSecret(path, String(made?.body["secret"]));
  }
  let n = 0;
  const traffic = startTraffic({
    clients: PUBLISHERS,
    pauseMs: 50,
    signal,
    async send() {
      const body = JSON.stringify({ type: "tick", data: { n: n++ } });
      const answer = await client.insist("POST", "/v1/messages", { body });
      if (answer?.status !== 202) onMisbehaviour(`a message was answered ${answer?.status}`);
    },
  });
  return () => traffic.stop();
}
