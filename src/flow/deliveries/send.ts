import type { Context } from "../context.ts";
import { clock } from "../../core/clock.ts";
import { changeRetry, DEFAULT_RETRY } from "../../core/backoff.ts";
import type { Exchange } from "../../core/exchange.ts";
import { formatId, newId } from "../../core/ids.ts";
import { packHeaders, timestampOf, traceparent } from "../../core/attempt-headers.ts";
import { SIGNATURE_VERSIONS } from "../../core/model.ts";
import { decideOutcome } from "../../core/outcome.ts";
import type { Outcome } from "../../core/outcome.ts";
import { redactAll, redactHeaders } from "../../core/redact-headers.ts";
import { openHeaders } from "../../core/sealed.ts";
import { importSecret, keyIdHeader, signatureHeader } from "../../core/signature.ts";
import type { Signer } from "../../core/signature.ts";
import type { DueDelivery } from "../../db/deliveries/due.ts";
import type { NewAttempt, Settlement } from "../../db/deliveries/settlements.ts";
import type { LeasedLane } from "./lane/lease.ts";
import { expiredText, leftMs, limitOf } from "./age.ts";

const DEFAULT_TIMEOUT_S = 15;

export interface SentDelivery {
  outcome: Outcome;
  settlement: Settlement;
}

/** The parts of a lane that an attempt needs. */
type Destination = Pick<LeasedLane, "config" | "signer" | "headers">;

type SendContext = Pick<Context, "transport" | "telemetry" | "config" | "vault" | "now">;

/** Makes one attempt and judges it. The settlement says what to write. */
export async function sendDelivery(
  context: SendContext & Pick<Context, "random">,
  lane: LeasedLane,
  delivery: DueDelivery,
): Promise<SentDelivery> {
  const { config } = lane;
  const { overrides } = delivery;
  const number = delivery.attempt_count + 1;
  const { exchange, attempt } = await makeAttempt(context, lane, delivery);
  const outcome = decideOutcome(exchange, {
    retry: changeRetry(config.retry ?? DEFAULT_RETRY, overrides?.retry ?? {}),
    finalStatus: overrides?.final_status ?? config.final_status ?? [],
    leftMs: leftMs(config, delivery, context.now().getTime()),
    budgetUsed: number - delivery.free_attempts,
    beside: delivery.beside,
    now: context.now(),
    random: context.random(),
  });
  context.telemetry.attemptMade(delivery, number, exchange, outcome);
  return {
    outcome,
    settlement: {
      deliveryId: delivery.id,
      laneId: config.id,
      epoch: config.epoch,
      number,
      outcome: outcome.kind,
      delayMs: outcome.kind === "retry" ? outcome.delayMs : null,
      reason: outcome.kind === "dead" ? outcome.reason : null,
      detail: outcome.kind === "dead" ? outcome.detail : null,
      attempt,
    },
  };
}

/** Why a delivery is given up without an attempt. */
export interface GiveUp {
  reason: "endpoint_disabled" | "expired";
  detail: string;
}

/** The reason to give up a delivery that is due, kept for a replay; null: it is to be sent. */
export function whyGiveUp(
  { config }: LeasedLane,
  delivery: DueDelivery,
  now: number,
): GiveUp | null {
  if (config.endpoint_state === "disabled") {
    const detail = "the endpoint is disabled; enable it and replay";
    return { reason: "endpoint_disabled", detail };
  }
  if (leftMs(config, delivery, now) > 0) return null;
  const ofCallback = delivery.give_up_at !== null;
  return { reason: "expired", detail: expiredText(ofCallback ? null : limitOf(config)) };
}

/** Makes one attempt: signed now and sent. Nothing is written. */
export async function makeAttempt(
  context: SendContext,
  lane: Destination,
  delivery: DueDelivery,
): Promise<{ exchange: Exchange; attempt: NewAttempt }> {
  const { config } = lane;
  const number = delivery.attempt_count + 1;
  const ids = {
    attempt: newId(),
    message: formatId("message", delivery.message_id),
  };
  const url = config.url ?? delivery.url;
  const opened = openSealed(context, lane, delivery);
  const custom = opened?.custom ?? {};
  const own =
    opened === null ? {} : webhookHeaders(context, opened.signer, lane, delivery, number, ids);
  const exchange =
    opened === null
      ? unsealable()
      : await context.transport.send({
          lane: config.id,
          url,
          headers: { ...custom, ...own },
          body: delivery.body,
          timeoutMs:
            (delivery.overrides?.timeout_s ?? config.timeout_s ?? DEFAULT_TIMEOUT_S) * 1000,
        });
  // values of custom headers are stored sealed or not at all
  const headers = { ...redactAll(custom), ...own };
  return { exchange, attempt: newAttempt(exchange, url, headers, delivery, number, ids) };
}

/** The settlement of a delivery that is given up without an attempt. */
export function giveUp(lane: LeasedLane, delivery: DueDelivery, why: GiveUp): Settlement {
  return {
    deliveryId: delivery.id,
    laneId: lane.config.id,
    epoch: lane.config.epoch,
    number: delivery.attempt_count + 1,
    outcome: "dead",
    delayMs: null,
    ...why,
    attempt: null,
  };
}

/** Ids of the attempt, and of its message as the receiver sees it: `msg_…`. */
interface Ids {
  attempt: string;
  message: string;
}

/** The parts of a delivery that rest sealed. A callback's own secret stands in for the lane's. */
interface Opened {
  custom: Record<string, string>;
  signer: Signer;
}

/** Opens the sealed parts. Null: they can't be opened, which harms no other delivery. */
function openSealed(
  { vault, telemetry }: Pick<Context, "vault" | "telemetry">,
  lane: Destination,
  delivery: DueDelivery,
): Opened | null {
  const { sealed_headers, sealed_secret } = delivery.overrides ?? {};
  try {
    return {
      custom: { ...lane.headers, ...openHeaders(vault, sealed_headers) },
      signer:
        sealed_secret === undefined
          ? lane.signer
          : { ...lane.signer, hmacKeys: [importSecret(vault.open(sealed_secret))] },
    };
  } catch (error) {
    telemetry.unexpectedError(error, { delivery_id: formatId("delivery", delivery.id) });
    return null;
  }
}

const UNSEALABLE =
  "headers or secret of the callback were sealed with another master key, or are damaged";

function unsealable(): Exchange {
  return {
    startedAt: clock.now(),
    durationMs: 0,
    remoteAddress: null,
    statusCode: null,
    responseHeaders: null,
    responseBody: null,
    responseTruncated: false,
    error: { code: "unsealable", message: UNSEALABLE },
  };
}

function webhookHeaders(
  { config, now }: Pick<Context, "config" | "now">,
  signer: Signer,
  lane: Destination,
  delivery: DueDelivery,
  number: number,
  ids: Ids,
): Record<string, string> {
  const timestamp = timestampOf(now());
  const versions = delivery.overrides?.signatures ?? lane.config.signatures ?? SIGNATURE_VERSIONS;
  return {
    "content-type": "application/json",
    "user-agent": `Ringback/${config.version}`,
    "webhook-id": ids.message,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatureHeader(signer, ids.message, timestamp, delivery.body, versions),
    ...keyIdHeader(signer, versions),
    traceparent: traceparent({ traceId: delivery.trace_id, attemptId: ids.attempt }),
    "x-request-id": delivery.request_id,
    "ringback-attempt": String(number),
  };
}

function newAttempt(
  exchange: Exchange,
  url: string,
  headers: Record<string, string>,
  delivery: DueDelivery,
  number: number,
  ids: Ids,
): NewAttempt {
  const source = {
    webhookId: ids.message,
    requestId: delivery.request_id,
    traceId: delivery.trace_id,
    attemptId: ids.attempt,
    number,
    startedAt: exchange.startedAt,
  };
  return {
    id: ids.attempt,
    url: url === delivery.url ? null : url,
    remoteAddress: exchange.remoteAddress,
    startedAt: exchange.startedAt,
    durationMs: exchange.durationMs,
    statusCode: exchange.statusCode,
    errorCode: exchange.error?.code ?? null,
    errorMessage: exchange.error?.message ?? null,
    requestHeaders: JSON.stringify(packHeaders(headers, source)),
    responseHeaders:
      exchange.responseHeaders === null
        ? null
        : JSON.stringify(redactHeaders(exchange.responseHeaders)),
    responseBody: exchange.responseBody,
    responseTruncated: exchange.responseTruncated,
    manual: delivery.manual,
  };
}
