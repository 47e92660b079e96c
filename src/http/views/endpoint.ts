import { HEALTH_CAPPED_AT } from "../../core/capped-count.ts";
import { breakerState } from "../../core/breaker.ts";
import { pick, SHOWN_SETTINGS } from "../../core/endpoint.ts";
import { formatId } from "../../core/ids.ts";
import type { Endpoint, LaneStatus } from "../../core/endpoint.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import { openHeaders } from "../../core/sealed.ts";
import { summarize } from "../../core/stats.ts";
import type { EndpointHealth } from "../../db/statistics/endpoint-health.ts";
import type { HttpContext } from "../http-context.ts";
import type { EndpointBody, EndpointHealthBody } from "../schemas/endpoint.ts";
import { isoTime } from "./common.ts";

/** An endpoint as answers show it, without its secret. */
export function endpointView(
  { vault, now }: Pick<HttpContext, "vault" | "now">,
  endpoint: Endpoint,
): EndpointBody {
  const lane = laneStatus(endpoint, now());
  return {
    id: formatId("endpoint", endpoint.id),
    ...pick(endpoint, SHOWN_SETTINGS),
    headers: redactHeaders(openHeaders(vault, endpoint.sealed_headers)),
    state: endpoint.state,
    disabled_reason: endpoint.disabled_reason,
    lane: { ...lane, until: isoTime(lane.until) },
    created_at: isoTime(endpoint.created_at),
    updated_at: isoTime(endpoint.updated_at),
  };
}

export function healthView(health: EndpointHealth): EndpointHealthBody {
  const { deliveries, response_ms } = summarize(health.counts ?? []);
  const ended = deliveries.delivered + deliveries.dead;
  const short = (count: number) => ({
    count: Math.min(count, HEALTH_CAPPED_AT),
    more: count > HEALTH_CAPPED_AT,
  });
  return {
    pending: short(health.pending),
    dead_letters: short(health.dead),
    last_success_at: isoTime(health.last_success_at),
    ...deliveries,
    success_rate: ended === 0 ? null : deliveries.delivered / ended,
    response_p90_ms: response_ms?.p90 ?? null,
  };
}

/** The state of a lane: a state set by an admin before that of the breaker. */
function laneStatus(endpoint: Endpoint, now: Date): LaneStatus {
  if (endpoint.state !== "active") {
    return { state: endpoint.state, reason: endpoint.disabled_reason, until: null };
  }
  const breaker = {
    failures: endpoint.breaker_failures,
    opens: 0,
    until: endpoint.breaker_until?.getTime() ?? null,
    reason: endpoint.breaker_reason,
  };
  return {
    state: breakerState(breaker, now.getTime()),
    reason: endpoint.breaker_reason,
    until: endpoint.breaker_until,
  };
}
