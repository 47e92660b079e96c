import type { Endpoint, ListedEndpoint } from "../../client/openapi-types.ts";
import { DISABLED_WORDS } from "../../core/endpoint.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { duration, fullTime, relative } from "../output/times.ts";
import { paintState } from "./job-view.ts";
import type { CliSession } from "./session.ts";

export const endpointColumns: readonly TextColumn<ListedEndpoint>[] = [
  { head: "NAME", text: ({ description }) => description, gives: true },
  { head: "STATUS", text: ({ status }) => status, style: ({ status }) => stateStyle(status) },
  { head: "PENDING", text: ({ figures }) => countText(figures?.pending), right: true },
  { head: "DEAD", text: ({ figures }) => countText(figures?.dead_letters), right: true },
  { head: "SUCCESS", text: ({ figures }) => percent(figures?.success_rate), right: true },
  { head: "LAST SUCCESS", text: ({ health }) => relative(health.last_success_at) },
  {
    head: "P90",
    text: ({ figures }) =>
      typeof figures?.response_p90_ms === "number" ? duration(figures.response_p90_ms) : null,
    right: true,
  },
  { head: "URL", text: ({ url }) => url, gives: true },
  { head: "EVENTS", text: ({ events }) => events.join(", ") || "all", gives: true },
  { head: "ID", text: ({ id }) => id },
];

function countText(counted: { count: number; more: boolean } | undefined): string {
  return counted === undefined ? "" : `${counted.count}${counted.more ? "+" : ""}`;
}

/** Rounded down: 99.96 % is not all. */
function percent(share: number | null | undefined): string {
  return typeof share !== "number" ? "" : `${Math.floor(share * 1_000) / 10} %`;
}

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

function healthText({ status, health }: Endpoint): string {
  const { since, failures_in_row, disable_at } = health;
  const parts = [since === null ? status : `${status} since ${fullTime(since)}`];
  if (failures_in_row > 0) parts.push(`${failures_in_row} failures in a row`);
  if (disable_at !== null) parts.push(`will be disabled ${fullTime(disable_at)}`);
  return parts.join(", ");
}

function failureText(failure: Endpoint["health"]["last_failure"]): string {
  if (failure === null) return "";
  return `${failure.error_code ?? `HTTP ${failure.status_code}`}, ${relative(failure.at)}`;
}

function retryText({ max_attempts, base_s, factor, cap_s, delays_s }: Endpoint["retry"]): string {
  const waits =
    delays_s === undefined
      ? `waits ${base_s} s × ${factor} up to ${cap_s} s`
      : `waits ${delays_s.join(", ")} s`;
  return `${max_attempts} attempts, ${waits}`;
}

const UNITS = [
  [86_400, "days"],
  [3_600, "hours"],
  [60, "minutes"],
] as const;

/** Seconds in the largest unit that fits. */
function wholeUnits(seconds: number): string {
  const [size, unit] = UNITS.find(([s]) => seconds >= 2 * s && seconds % s === 0) ?? [1, "s"];
  return `${seconds / size} ${unit}`;
}

export function showEndpoint({ out }: Pick<CliSession, "out">, endpoint: Endpoint): void {
  const { retry, skipped } = endpoint;
  const headers = Object.entries(endpoint.headers).map(([name, value]) => `${name}: ${value}`);
  out.line(`${out.paint("bold", endpoint.id)}  ${paintState(out, endpoint.status)}`);
  out.details([
    ["url", endpoint.url],
    ["description", endpoint.description],
    ["disabled", endpoint.disabled_reason && DISABLED_WORDS[endpoint.disabled_reason]],
    ["paused", endpoint.state === "paused" ? `since ${fullTime(endpoint.state_since)}` : null],
    ["health", healthText(endpoint)],
    ["last success", endpoint.health.last_success_at && relative(endpoint.health.last_success_at)],
    ["last failure", failureText(endpoint.health.last_failure)],
    ["skipped", skipped.since === null ? "" : `${skipped.count} since ${fullTime(skipped.since)}`],
    ["breaker", breakerText(endpoint.breaker)],
    ["events", endpoint.events.join(", ") || "all"],
    ["headers", headers.join(", ")],
    ["in flight", `${endpoint.max_in_flight} at most${endpoint.ordered ? ", ordered" : ""}`],
    ["rate limit", endpoint.rate_limit_per_s === null ? "" : `${endpoint.rate_limit_per_s} per s`],
    ["timeout", `${endpoint.timeout_s} s`],
    ["retry", retryText(retry)],
    ["final answers", endpoint.final_status.join(", ")],
    ["gives up", `after ${wholeUnits(endpoint.give_up_after_s)}`],
    [
      "disabled by itself",
      endpoint.disable_after_s === null
        ? "never"
        : `after failing for ${wholeUnits(endpoint.disable_after_s)}`,
    ],
    ["signatures", endpoint.signatures.join(", ")],
    ["audience", endpoint.audience === "operator" ? `operator, as ${endpoint.format}` : ""],
    ["created", fullTime(endpoint.created_at)],
    ["updated", fullTime(endpoint.updated_at)],
  ]);
}
