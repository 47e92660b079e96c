import type { BodyOf } from "../../client/caller.ts";
import type { Replay } from "../../client/openapi-types.ts";
import { usageError } from "../exit.ts";
import { createProgress } from "../output/progress.ts";
import { fullTime } from "../output/times.ts";
import type { Filter } from "./filter.ts";
import { paintState } from "./job-view.ts";
import type { CliSession } from "./session.ts";

export interface ReplayFlags {
  action: "replay" | "discard" | "cancel";
  filter: Filter;
  /** The reason to discard dead letters. */
  note?: string;
  /** Confirms that an empty filter is meant. */
  all?: boolean;
  dryRun?: boolean;
  detach?: boolean;
  /** How it is sent: `target`, `pace`, `start_at`, `order`, `canary`. */
  how?: Partial<BodyOf<"POST /v1/replays">>;
}

/**
 * Orders a replay and follows it to its end. Ctrl-C cancels the rest of it. 1: its canary stopped it.
 */
export async function runReplay(
  session: CliSession,
  order: ReplayFlags,
): Promise<number | undefined> {
  const { client } = session;
  const { action, filter, note, dryRun = false } = order;
  if (Object.keys(filter).length === 0 && order.all !== true) {
    const every = order.how?.target === "jobs" ? "every failed job" : EVERY[action];
    throw usageError(`say which by --filter or ids, or --all to ${action} ${every}`);
  }
  const replay = await client.replays.create({
    filter: action === "cancel" ? { ...filter, status: "pending" } : filter,
    dry_run: dryRun,
    action,
    ...order.how,
    ...(note === undefined ? {} : { note }),
  });
  return await showToEnd(session, replay, order.detach);
}

/** Follows a replay to its end, unless it is to be detached, and shows it. 1: it was stopped. */
export async function showToEnd(
  session: CliSession,
  replay: Replay,
  detach = false,
): Promise<number | undefined> {
  const detached = detach || replay.status !== "running";
  const seen = detached ? replay : await follow(session, replay);
  session.out.answer(seen, () => showReplay(session, seen));
  return seen.status === "stopped" ? 1 : undefined;
}

const EVERY = {
  replay: "every dead letter",
  discard: "every dead letter",
  cancel: "all that is pending",
};
const DONE = {
  replay: "sent again",
  discard: "discarded",
  cancel: "canceled",
  send_missed: "sent",
};

async function follow(session: CliSession, { id }: Replay): Promise<Replay> {
  const { client, out, terminal, interrupted } = session;
  const bar = createProgress(terminal, out.json);
  const show = (replay: Replay): void =>
    bar.update(replay.replayed, replay.matched, `${replay.replayed} of ${matchedText(replay)}`);
  try {
    return await client.replays.wait(id, { signal: interrupted, onProgress: show });
  } catch (error) {
    if (!interrupted.aborted) throw error;
    bar.stop();
    const canceled = await client.replays.cancel(id);
    const total = matchedText(canceled);
    out.note(`Canceled ${id}: ${canceled.replayed} of ${total} were done before.`);
    throw error;
  } finally {
    bar.stop();
  }
}

/** The number of matches, with a `+` when there are at least that many. */
export function matchedText({ matched, matched_exact: exact }: Replay): string {
  return `${matched}${exact ? "" : "+"}`;
}

/** What fits the filter and is not sent, and the way to have it sent. */
function leftOutText({ left_out }: Replay): string | null {
  if (left_out.length === 0) return null;
  return left_out
    .map(({ reason, endpoint_id, count }) => {
      const of = endpoint_id === null ? "of other endpoints" : `of ${endpoint_id}`;
      return reason === "endpoint_deleted"
        ? `${count} ${of}, which was deleted`
        : `${count} ${of}, which is disabled (ringback endpoints enable ${endpoint_id ?? "ID"})`;
    })
    .join("; ");
}

function howText({ pace, start_at, canary, order, destination }: Replay): string | null {
  const parts = [
    ...(destination === null ? [] : [`to ${destination.endpoint_id ?? destination.url}`]),
    ...(start_at === null ? [] : [`from ${fullTime(start_at)}`]),
    ...(pace === null
      ? []
      : [`${pace.per_s}/s${pace.ramp_s > 0 ? ` after ${pace.ramp_s} s` : ""}`]),
    ...(canary === null
      ? []
      : [`${canary.count} first, if at most ${canary.max_failed_percent} % fail`]),
    ...(order === "newest_first" ? ["the newest first"] : []),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

export function showReplay({ out }: Pick<CliSession, "out">, replay: Replay): void {
  const { action, dry_run: dryRun, replayed } = replay;
  const matched = matchedText(replay);
  const done = replay.target === "jobs" ? "retried" : DONE[action];
  const counts = dryRun ? `${matched} would be ${done}` : `${replayed} of ${matched} ${done}`;
  out.line(`${out.paint("bold", replay.id)}  ${paintState(out, replay.status)}  ${counts}`);
  out.details([
    ["stopped", replay.stopped_reason],
    ["left out", leftOutText(replay)],
    ["filter", JSON.stringify(replay.filter)],
    ["how", howText(replay)],
    ["note", replay.note],
    ["created", fullTime(replay.created_at)],
    ["finished", fullTime(replay.finished_at)],
  ]);
}
