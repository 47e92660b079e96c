import { formatPosition, isAfter, matchesType } from "../../core/activity.ts";
import type { ActivityPosition } from "../../core/activity.ts";
import type { Scope } from "../../core/model.ts";
import { grants } from "../../core/scopes.ts";
import { getJobDrained } from "../../db/activity/activity.ts";
import { getJob } from "../../db/jobs/jobs.ts";
import type { ActivityHandler } from "../../flow/activity/feed.ts";
import { messageOf, type Channel, type StreamMessage } from "./channel.ts";
import type { HttpContext } from "../http-context.ts";
import { jobText } from "../views/job.ts";

interface StreamCall {
  accountId: string;
  keyId: string;
  sessionId: string | null;
  scopes: readonly Scope[];
  /** The position to go on from; null: from now. */
  after: ActivityPosition | null;
  /** The types wanted; empty: all. */
  types: readonly string[];
}

function messageAt(type: string, at: ActivityPosition, now: Date, rest = "{}"): StreamMessage {
  return { id: formatPosition(at), type, at: now, rest };
}

/** Whether a key may see entries of this type, and wants to. */
function wants({ scopes, types }: StreamCall, type: string): boolean {
  const scope = type.startsWith("job.") ? "jobs:read" : "webhooks:read";
  return grants(scopes, [scope]) && isNamed(types, type);
}

function isNamed(types: readonly string[], type: string): boolean {
  return types.length === 0 || types.some((pattern) => matchesType(pattern, type));
}

/** Sends all activity of an account to a channel, until either side ends it. */
export function streamAccount(context: HttpContext, call: StreamCall, channel: Channel): void {
  listen(context, call, channel, {
    async begin(at, how) {
      channel.ready(formatPosition(at));
      if (how === "reset") channel.send([messageAt("reset", at, context.now())]);
    },
    send(entries) {
      const wanted = entries.filter(({ type }) => wants(call, type));
      if (wanted.length > 0) channel.send(wanted.map(messageOf));
    },
  });
}

/**
 * Streams one job: the job as it is, then its activity and that of its deliveries. The stream ends
 * when the job has ended and none of its deliveries is pending.
 */
export function streamJob(
  context: HttpContext,
  call: StreamCall & { jobId: string },
  channel: Channel,
): void {
  const { accountId, jobId } = call;
  /** The transaction after which the job is over and all is sent; null: not known yet. */
  let endAt: bigint | null = null;
  let checked = 0;

  async function check(): Promise<void> {
    const mine = ++checked;
    endAt = null;
    const { drained, next } = await getJobDrained(context.pool, accountId, jobId);
    // an entry that came meanwhile has started another check
    if (!drained || mine !== checked) return;
    endAt = next;
    context.activity.reach(next);
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
    send(entries, upTo) {
      const own = entries.filter((entry) => entry.job_id === jobId);
      const wanted = own.filter(({ type }) => isNamed(call.types, type));
      if (wanted.length > 0) channel.send(wanted.map(messageOf));
      if (own.some(({ type }) => type !== "job.progress")) checkSoon();
      if (endAt === null || isAfter({ xid: endAt, seq: 0n }, upTo)) return;
      channel.send([messageAt("end", upTo, context.now())]);
      channel.close("ended");
    },
    // a delivery may have been canceled with its endpoint, which is no activity of the job
    keepAlive: checkSoon,
  });
}

function listen(
  { activity, telemetry }: HttpContext,
  call: StreamCall,
  channel: Channel,
  on: ActivityHandler & { keepAlive?(): void },
): void {
  let gone = false;
  let leave = (): void => undefined;
  channel.onGone(() => {
    gone = true;
    leave();
  });
  const { accountId, keyId, sessionId, after } = call;
  const listener = {
    accountId,
    keyId,
    sessionId,
    after,
    ...on,
    waiting: channel.waiting,
    keepAlive() {
      channel.keepAlive();
      on.keepAlive?.();
    },
    close: channel.close,
  };
  activity.listen(listener).then(
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
