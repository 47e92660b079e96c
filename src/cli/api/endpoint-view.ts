import type { Endpoint } from "../../client/openapi-types.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { fullTime, relative } from "../output/times.ts";
import { paintState } from "./job-view.ts";
import type { CliSession } from "./session.ts";

export const endpointColumns: readonly TextColumn<Endpoint>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "STATUS", text: ({ status }) => status, style: ({ status }) => stateStyle(status) },
  { head: "URL", text: ({ url }) => url, gives: true },
  { head: "EVENTS", text: ({ events }) => events.join(", ") || "all", gives: true },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
];

/** The states of a breaker in words. */
const BREAKER_STATES: Record<Endpoint["breaker"]["state"], string> = {
  closed: "closed",
  open: "open, everything is held back",
  half_open: "the next attempt is a probe",
};

function breakerText({ state, since, until, reason, failures }: Endpoint["breaker"]): string {
  if (state === "closed") return BREAKER_STATES.closed;
  return [
    BREAKER_STATES[state],
    `${reason ?? "failures"}, ${failures} in a row`,
    `since ${fullTime(since)}`,
    ...(state === "open" ? [`next probe ${fullTime(until)}`] : []),
  ].join("; ");
}

export function showEndpoint({ out }: Pick<CliSession, "out">, endpoint: Endpoint): void {
  const { retry } = endpoint;
  const headers = Object.entries(endpoint.headers).map(([name, value]) => `${name}: ${value}`);
  out.line(`${out.paint("bold", endpoint.id)}  ${paintState(out, endpoint.status)}`);
  out.details([
    ["url", endpoint.url],
    ["description", endpoint.description],
    ["disabled", endpoint.disabled_reason],
    ["paused", endpoint.state === "paused" ? `since ${fullTime(endpoint.state_since)}` : null],
    ["breaker", breakerText(endpoint.breaker)],
    ["events", endpoint.events.join(", ") || "all"],
    ["headers", headers.join(", ")],
    ["in flight", `${endpoint.max_in_flight} at most${endpoint.ordered ? ", ordered" : ""}`],
    ["rate limit", endpoint.rate_limit_per_s === null ? "" : `${endpoint.rate_limit_per_s} per s`],
    ["timeout", `${endpoint.timeout_s} s`],
    [
      "retry",
      `${retry.max_attempts} attempts, waits ${retry.base_s} s × ${retry.factor} up to ${retry.cap_s} s`,
    ],
    ["signatures", endpoint.signatures.join(", ")],
    ["created", fullTime(endpoint.created_at)],
    ["updated", fullTime(endpoint.updated_at)],
  ]);
}
