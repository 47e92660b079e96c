import type { Attempt, Delivery, DeliveryWithAttempts, Held } from "../../client/openapi-types.ts";
import { HELD_WORDS } from "../../core/held.ts";
import { stateStyle } from "../output/output.ts";
import { printableLines } from "../output/printable.ts";
import type { TextColumn } from "../output/table.ts";
import { duration, fullTime, relative } from "../output/times.ts";
import { paintState } from "./job-view.ts";
import type { CliSession } from "./session.ts";

export const deliveryColumns: readonly TextColumn<Delivery>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "STATUS", text: shownStatus, style: (delivery) => stateStyle(shownStatus(delivery)) },
  { head: "EVENT", text: ({ event_type }) => event_type, gives: true },
  { head: "RECEIVER", text: receiverText, gives: true },
  { head: "ATTEMPTS", text: ({ attempt_count }) => attempt_count, right: true },
  {
    head: "LAST",
    text: ({ last_status_code, last_error_code }) => last_status_code ?? last_error_code,
  },
  { head: "NEXT", text: next, gives: true },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
];

/** `held` in place of `pending`, when something holds it back. */
function shownStatus({ status, held }: Delivery): string {
  return held === null ? status : "held";
}

function next({ next_attempt_at, held }: Delivery): string {
  if (held === null) return relative(next_attempt_at);
  return `${HELD_WORDS[held.reason]}${held.until === null ? "" : `, ${relative(held.until)}`}`;
}

function heldText({ reason, since, until, detail, waiting }: Held): string {
  const untilText = `${reason === "breaker_open" ? "next probe" : "until"} ${fullTime(until)}`;
  return [
    `${HELD_WORDS[reason]}${since === null ? "" : ` since ${fullTime(since)}`}`,
    detail,
    ...(until === null ? [] : [untilText]),
    ...(waiting === undefined ? [] : [`${waiting.count}${waiting.more ? "+" : ""} wait`]),
  ].join("; ");
}

export const deadLetterColumns: readonly TextColumn<Delivery>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "REASON", text: ({ dead_reason }) => dead_reason },
  { head: "EVENT", text: ({ event_type }) => event_type, gives: true },
  { head: "RECEIVER", text: receiverText, gives: true },
  { head: "ATTEMPTS", text: ({ attempt_count }) => attempt_count, right: true },
  { head: "DIED", text: ({ finished_at }) => relative(finished_at) },
  { head: "DETAIL", text: ({ dead_detail }) => dead_detail, gives: true },
];

export const attemptColumns: readonly TextColumn<Attempt>[] = [
  { head: "#", text: ({ number }) => number, right: true },
  { head: "STARTED", text: ({ started_at }) => relative(started_at) },
  { head: "TOOK", text: ({ duration_ms }) => duration(duration_ms), right: true },
  {
    head: "ANSWER",
    text: ({ status_code, error_code }) => status_code ?? error_code,
    style: ({ status_code }) => (Math.floor((status_code ?? 0) / 100) === 2 ? "green" : "red"),
  },
  { head: "ADDRESS", text: ({ remote_address }) => remote_address },
  { head: "", text: ({ manual }) => (manual ? "by order" : "") },
  { head: "ERROR", text: ({ error_message }) => error_message, gives: true },
];

/** The name of an endpoint before its URL. */
function receiverText({ endpoint_description, url }: Delivery): string {
  return endpoint_description ? `${endpoint_description} (${url})` : url;
}

export function showDelivery(
  { out }: Pick<CliSession, "out">,
  delivery: Delivery & Partial<DeliveryWithAttempts>,
): void {
  const { attempts = [], attempts_cursor: older = null, dead_reason, dead_detail } = delivery;
  const { held } = delivery;
  out.line(`${out.paint("bold", delivery.id)}  ${paintState(out, shownStatus(delivery))}`);
  out.details([
    ["event", delivery.event_type],
    ["endpoint", [delivery.endpoint_description, delivery.endpoint_id].filter(Boolean).join("  ")],
    ["url", delivery.url],
    ["message", delivery.message_id],
    ["job", delivery.job_id],
    ["dead", dead_reason === null ? null : `${dead_reason}: ${dead_detail ?? ""}`],
    ["created", fullTime(delivery.created_at)],
    ["held", held === null ? null : heldText(held)],
    ["next attempt", held === null ? fullTime(delivery.next_attempt_at) : null],
    ["finished", fullTime(delivery.finished_at)],
    ["attempts", delivery.attempt_count],
  ]);
  if (attempts.length === 0) return;
  out.line();
  out.table(attempts, attemptColumns);
  if (older !== null) {
    const from = `ringback deliveries attempts ${delivery.id} --cursor ${older}`;
    out.note(`There are older attempts: ${from}`);
  }
}

/** Shows the request and the response of an attempt. */
export function showExchange({ out }: Pick<CliSession, "out">, attempt: Attempt): void {
  out.line();
  out.line(out.paint("bold", `Attempt ${attempt.number}`));
  out.details(headerEntries(">", attempt.request_headers));
  out.details([["<", attempt.status_code ?? `${attempt.error_code}: ${attempt.error_message}`]]);
  out.details(headerEntries("<", attempt.response_headers ?? {}));
  if (attempt.response_body) out.line(printableLines(attempt.response_body));
  if (attempt.response_truncated) out.line(out.paint("dim", "(cut off)"));
}

function headerEntries(mark: string, headers: Record<string, string>): [string, string][] {
  return Object.entries(headers).map(([name, value]) => [mark, `${name}: ${value}`]);
}
