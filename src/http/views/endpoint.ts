import { breakerState, disableAt } from "../../core/breaker.ts";
import { endpointStatus, pick, SHOWN_SETTINGS } from "../../core/endpoint.ts";
import { formatId } from "../../core/ids.ts";
import type { Endpoint } from "../../core/endpoint.ts";
import type { RetryPolicy } from "../../core/model.ts";
import { redactHeaders } from "../../core/redact-headers.ts";
import { openHeaders } from "../../core/sealed.ts";
import type { HttpContext } from "../http-context.ts";
import type { EndpointBody } from "../schemas/endpoint.ts";
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
