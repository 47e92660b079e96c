import type { Endpoint, ListedEndpoint } from "../../client/openapi-types.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { duration, fullTime, relative } from "../output/times.ts";
import { paintState } from "./job-view.ts";
import type { CliSession } from "./session.ts";

export const endpointColumns: readonly TextColumn<ListedEndpoint>[] = [
  { head: "NAME", text: ({ description }) => description, gives: true },
  { head: "STATE", text: shownState, style: (endpoint) => stateStyle(shownState(endpoint)) },
  { head: "PENDING", text: ({ health }) => countText(health?.pending), right: true },
  { head: "DEAD", text: ({ health }) => countText(health?.dead_letters), right: true },
  { head: "SUCCESS", text: ({ health }) => percent(health?.success_rate), right: true },
  { head: "LAST SUCCESS", text: ({ health }) => relative(health?.last_success_at ?? null) },
  {
    head: "P90",
    text: ({ health }) =>
      typeof health?.response_p90_ms === "number" ? duration(health.response_p90_ms) : null,
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

/** The states of a lane by its breaker, in words. */
const LANE_STATES: Record<Endpoint["lane"]["state"], string> = {
  closed: "sending",
  open: "broken, everything is held back",
  half_open: "broken, next comes a probe",
  paused: "paused",
  disabled: "disabled",
};

/** The state of an endpoint and of its lane, unless the lane only repeats that all is well. */
function shownState({ state, lane }: Endpoint): string {
  return state === "active" && /open/.test(lane.state) ? "broken" : state;
}

export function showEndpoint({ out }: Pick<CliSession, "out">, endpoint: Endpoint): void {
  const { lane, retry } = endpoint;
  const headers = Object.entries(endpoint.headers).map(([name, value]) => `${name}: ${value}`);
  const until = lane.until === null ? "" : ` until ${fullTime(lane.until)}`;
  const reason = lane.reason === null ? "" : `: ${lane.reason}`;
  out.line(`${out.paint("bold", endpoint.id)}  ${paintState(out, endpoint.state)}`);
  out.details([
    ["url", endpoint.url],
    ["description", endpoint.description],
    ["disabled", endpoint.disabled_reason],
    ["lane", `${LANE_STATES[lane.state]}${until}${reason}`],
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
