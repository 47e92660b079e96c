import type { Context } from "../context.ts";
import { messageBody } from "../../core/events.ts";
import { newId } from "../../core/ids.ts";
import { decideOutcome } from "../../core/outcome.ts";
import { DEFAULT_RETRY } from "../../core/backoff.ts";
import { Problem } from "../../core/problem.ts";
import { openHeaders } from "../../core/sealed.ts";
import type { DueDelivery } from "../../db/deliveries/due.ts";
import { getLaneOfEndpoint, insertTest } from "../../db/deliveries/tests.ts";
import { singleStatement } from "../../db/transaction.ts";
import { signerOf } from "./lane/signer.ts";
import { makeAttempt } from "./send.ts";

export interface EndpointTest {
  accountId: string;
  endpointId: string;
  /** The API key that orders it. */
  keyId: string;
  requestId: string;
  traceId: string;
}

const DATA = JSON.stringify({ message: "This is a test of your endpoint." });

/**
 * Sends `endpoint.test` to one endpoint at once, from this process, and stores the exchange. It goes
 * past the lane: past its breaker, its pause, its limits and its order, and changes none of them.
 * Returns the delivery's id.
 * @throws Problem not_found
 */
export async function testEndpoint(
  context: Pick<
    Context,
    "pool" | "transport" | "telemetry" | "config" | "vault" | "now" | "random"
  >,
  test: EndpointTest,
): Promise<string> {
  const config = await getLaneOfEndpoint(context.pool, test.accountId, test.endpointId);
  if (config === null) throw new Problem("not_found", "There is no such endpoint.");
  const lane = {
    config,
    signer: signerOf(context, config),
    headers: openHeaders(context.vault, config.sealed_headers),
  };
  const delivery = newTest(context, test, config.url!);
  const { exchange, attempt } = await makeAttempt(context, lane, delivery);
  const outcome = decideOutcome(exchange, {
    retry: { ...DEFAULT_RETRY, max_attempts: 1 },
    finalStatus: config.final_status ?? [],
    leftMs: Infinity,
    budgetUsed: 1,
    beside: false,
    now: context.now(),
    random: context.random(),
  });
  const dead =
    outcome.kind === "dead" ? { dead_reason: outcome.reason, dead_detail: outcome.detail } : null;
  await insertTest(singleStatement(context.pool), {
    delivery,
    laneId: config.id,
    attempt,
    dead,
    keyId: test.keyId,
  });
  context.telemetry.endpointTested(delivery, exchange);
  return delivery.id;
}

function newTest(
  { now }: Pick<Context, "now">,
  { accountId, endpointId, requestId, traceId }: EndpointTest,
  url: string,
): DueDelivery {
  const createdAt = now();
  const type = "endpoint.test";
  const body = messageBody(type, createdAt, DATA);
  return {
    id: newId(),
    account_id: accountId,
    message_id: newId(),
    job_id: null,
    event_type: type,
    endpoint_id: endpointId,
    url,
    overrides: null,
    body_bytes: Buffer.byteLength(body),
    attempt_count: 0,
    free_attempts: 0,
    budget_from: createdAt,
    give_up_at: null,
    manual: false,
    beside: false,
    created_at: createdAt,
    body,
    request_id: requestId,
    trace_id: traceId,
  };
}
