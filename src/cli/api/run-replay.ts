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
}

/** Orders a replay and follows it to its end. Ctrl-C cancels the rest of it. */
export async function runReplay(session: CliSession, order: ReplayFlags): Promise<void> {
  const { client } = session;
  const { action, filter, note, dryRun = false } = order;
  if (Object.keys(filter).length === 0 && order.all !== true) {
    throw usageError(`say which by --filter or ids, or --all to ${action} ${EVERY[action]}`);
  }
  const replay = await client.replays.create({
    filter: action === "cancel" ? { ...filter, status: "pending" } : filter,
    dry_run: dryRun,
    action,
    ...(note === undefined ? {} : { note }),
  });
  await showToEnd(session, replay, order.detach);
}

/** Follows a replay to its end, unless it is to be detached, and shows it. */
export async function showToEnd(
  session: CliSession,
  replay: Replay,
  detach = false,
): Promise<void> {
  const detached = detach || replay.status !== "running";
  const seen = detached ? replay : await follow(session, replay);
  session.out.answer(seen, () => showReplay(session, seen));
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

export function showReplay({ out }: Pick<CliSession, "out">, replay: Replay): void {
  const { action, dry_run: dryRun, replayed } = replay;
  const matched = matchedText(replay);
  const done = DONE[action];
  const counts = dryRun ? `${matched} would be ${done}` : `${replayed} of ${matched} ${done}`;
  out.line(`${out.paint("bold", replay.id)}  ${paintState(out, replay.status)}  ${counts}`);
  out.details([
    ["filter", JSON.stringify(replay.filter)],
    ["note", replay.note],
    ["created", fullTime(replay.created_at)],
    ["finished", fullTime(replay.finished_at)],
  ]);
}
