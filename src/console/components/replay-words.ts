import type { ReplayOrder } from "../api/replays.ts";
import type { Replay } from "../api/types.ts";
import { number } from "./format.ts";

const RETRY = { title: "Retry", verb: "Retry", done: "retried", past: "Retrying" };
const WORDS = {
  replay: { title: "Send again", verb: "Send", done: "sent again", past: "Sending again" },
  discard: { title: "Discard", verb: "Discard", done: "discarded", past: "Discarding" },
  cancel: { title: "Cancel", verb: "Cancel", done: "canceled", past: "Canceling" },
  send_missed: { title: "Send what was missed", verb: "Send", done: "sent", past: "Sending" },
};

export function wordsOf({ action, target }: Pick<ReplayOrder, "action" | "target">) {
  return target === "jobs" ? RETRY : WORDS[action];
}

/** With a `+` when there are that many at least. */
export function matchedText({ matched, matched_exact: exact }: Replay): string {
  return `${number(matched)}${exact ? "" : "+"}`;
}
