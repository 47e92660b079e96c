import { formatPosition, isAfter, matchesType } from "../../core/live-events.ts";
import type { EventPosition } from "../../core/live-events.ts";
import type { Scope } from "../../core/model.ts";
import { getJobDrained } from "../../db/activity/activity.ts";
import { getJob } from "../../db/jobs/jobs.ts";
import type { Ear } from "../../flow/activity/hub.ts";
import { messageOf, type Channel, type StreamMessage } from "./channel.ts";
import type { HttpContext } from "../http-context.ts";
import { jobText } from "../views/job.ts";

interface StreamCall {
  accountId: string;
  keyId: string;
  scopes: readonly Scope[];
  /** Null: from now. */
  after: EventPosition | null;
  /** Empty: all. */
  types: readonly string[];
}

function messageAt(type: string, at: EventPosition, now: Date, rest = "{}"): StreamMessage {
  return { id: formatPosition(at), type, at: now, rest };
}

/** Whether a key may be told of it, and wants to be. */
function wants({ scopes, types }: StreamCall, type: string): boolean {
  const scope = type.startsWith("job.") ? "jobs" : "webhooks";
  return (scopes.includes("admin") || scopes.includes(scope)) && isNamed(types, type);
}

function isNamed(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.some((pattern) => matchesType(pattern, type));
}

/** Tells a channel of everything that happens in an account, until either side ends it. */
export function streamAccount(context: HttpContext, call: StreamCall, channel: Channel): void {
  listen(context, call, channel, {
    async begin(at, how) {
      channel.ready(formatPosition(at));
      if (how === "reset") channel.send([messageAt("reset", at, context.now())]);
    },
    tell(events) {
      const wanted = events.filter(({ type }) => wants(call, type));
      if (wanted.length > 0) channel.send(wanted.map(messageOf));
    },
  });
}

/**
 * Tells a channel of one job: the job as it is, then its events and those of its deliveries. It
 * ends when the job has ended and no delivery of it is pending.
 */
export function streamJob(
  context: HttpContext,
  call: StreamCall & { jobId: string },
  channel: Channel,
): void {
  const { accountId, jobId } = call;
  /** It is all over, and told when this transaction is reached; null: not known to be. */
  let endAt: bigint | null = null;
  let checked = 0;

  async function check(): Promise<void> {
    const mine = ++checked;
    endAt = null;
    const { drained, next } = await getJobDrained(context.pool, accountId, jobId);
    // an event that came meanwhile has asked again
    if (!drained || mine !== checked) return;
    endAt = next;
    context.live.reach(next);
  }

  function checkSoon(): void {
    check().catch(() => channel.close("failed"));
  }

  listen(context, call, channel, {
    async begin(at, how) {
      channel.ready(formatPosition(at));
      if (how === "reset") channel.send([messageAt("reset", at, context.now())]);
      if (how !== "resumed") {
        const job = await getJob(context.pool, accountId, jobId);
        if (job === null) return channel.close("ended");
        const text = jobText(context, job);
        channel.send([messageAt("job.state", at, context.now(), `{"job":${text}}`)]);
      }
      await check();
    },
    tell(events, upTo) {
      const own = events.filter((event) => event.job_id === jobId);
      const wanted = own.filter(({ type }) => isNamed(call.types, type));
      if (wanted.length > 0) channel.send(wanted.map(messageOf));
      if (own.some(({ type }) => type !== "job.progress")) checkSoon();
      if (endAt === null || isAfter({ xid: endAt, seq: 0n }, upTo)) return;
      channel.send([messageAt("end", upTo, context.now())]);
      channel.close("ended");
    },
    // its last delivery may have been canceled with its endpoint, which is no event of the job
    keepAlive: checkSoon,
  });
}

function listen(
  { live, telemetry }: HttpContext,
  call: StreamCall,
  channel: Channel,
  ear: Ear & { keepAlive?(): void },
): void {
  let gone = false;
  let leave = (): void => undefined;
  channel.onGone(() => {
    gone = true;
    leave();
  });
  const { accountId, keyId, after } = call;
  const listener = {
    accountId,
    keyId,
    after,
    ...ear,
    waiting: channel.waiting,
    keepAlive() {
      channel.keepAlive();
      ear.keepAlive?.();
    },
    close: channel.close,
  };
  live.listen(listener).then(
    (leaveNow) => {
      leave = leaveNow;
      if (gone) leaveNow();
    },
    (error: Error) => {
      telemetry.log.warn("not listening", { error: error.message });
      channel.close("failed");
    },
  );
}
