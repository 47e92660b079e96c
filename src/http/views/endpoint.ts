import { breakerState, disableAt } from "../../core/breaker.ts";
import { FIGURES_CAPPED_AT } from "../../core/capped-count.ts";
import { endpointStatus, pick, SHOWN_SETTINGS } from "../../core/endpoint.ts";
import { formatId } from "../../core/ids.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import type { RetryPolicy } from "../../core/model.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import { openHeaders } from "../../core/sealed.ts";
import { summarize } from "../../core/stats.ts";
import type { EndpointFigures } from "../../db/statistics/endpoint-figures.ts";
import type { HttpContext } from "../http-context.ts";
import type { EndpointBody, EndpointFiguresBody } from "../schemas/endpoint.ts";
import { isoTime } from "./common.ts";

/** An endpoint as answers show it, without its secret. */
export function endpointView(
  { vault, now }: Pick<HttpContext, "vault" | "now">,
  endpoint: Endpoint,
): EndpointBody {
  const { breaker_failures: failures, breaker_since, breaker_until, breaker_reason } = endpoint;
  const breaker = { until: breaker_until?.getTime() ?? null };
  return {
    id: formatId("endpoint", endpoint.id),
    ...pick(endpoint, SHOWN_SETTINGS),
    retry: retryView(endpoint.retry),
    headers: redactHeaders(openHeaders(vault, endpoint.sealed_headers)),
    status: endpointStatus(endpoint),
    state: endpoint.state,
    state_since: isoTime(endpoint.state_since),
    disabled_reason: endpoint.disabled_reason,
    health: healthView(endpoint),
    skipped: { count: endpoint.skipped, since: isoTime(endpoint.skipped_since) },
    breaker: {
      state: breakerState(breaker, now().getTime()),
      failures,
      since: isoTime(breaker_since),
      until: isoTime(breaker_until),
      reason: breaker_reason,
    },
    created_at: isoTime(endpoint.created_at),
    updated_at: isoTime(endpoint.updated_at),
  };
}

export function figuresView(figures: EndpointFigures): EndpointFiguresBody {
  const { deliveries, response_ms } = summarize(figures.counts ?? []);
  const ended = deliveries.delivered + deliveries.dead;
  const short = (count: number) => ({
    count: Math.min(count, FIGURES_CAPPED_AT),
    more: count > FIGURES_CAPPED_AT,
  });
  return {
    pending: short(figures.pending),
    dead_letters: short(figures.dead),
    ...deliveries,
    success_rate: ended === 0 ? null : deliveries.delivered / ended,
    response_p90_ms: response_ms?.p90 ?? null,
  };
}

/** A list of waits stands for itself. */
function retryView({ delays_s, ...exponential }: RetryPolicy): EndpointBody["retry"] {
  if (delays_s === undefined) return exponential;
  return { max_attempts: exponential.max_attempts, delays_s };
}

function healthView(endpoint: Endpoint): EndpointBody["health"] {
  const { state, state_since, failing_since, breaker_since, last_failure_at } = endpoint;
  const disabled = state === "disabled";
  const failures = {
    failedSince: endpoint.failed_since?.getTime() ?? null,
    failingSince: failing_since?.getTime() ?? null,
  };
  const at = disabled ? null : disableAt(failures, endpoint.disable_after_s);
  return {
    since: isoTime(disabled ? state_since : (failing_since ?? breaker_since)),
    failures_in_row: endpoint.breaker_failures,
    last_success_at: isoTime(endpoint.last_success_at),
    last_failure:
      last_failure_at === null
        ? null
        : {
            at: isoTime(last_failure_at),
            status_code: endpoint.last_failure_status,
            error_code: endpoint.last_failure_error,
          },
    disable_at: at === null ? null : new Date(at).toISOString(),
  };
}
