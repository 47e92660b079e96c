import { breakerState } from "../../core/breaker.ts";
import { endpointStatus, pick, SHOWN_SETTINGS } from "../../core/endpoint.ts";
import { formatId } from "../../core/ids.ts";
import type { Endpoint } from "../../core/endpoint.ts";
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
    headers: redactHeaders(openHeaders(vault, endpoint.sealed_headers)),
    status: endpointStatus(endpoint),
    state: endpoint.state,
    state_since: isoTime(endpoint.state_since),
    disabled_reason: endpoint.disabled_reason,
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
