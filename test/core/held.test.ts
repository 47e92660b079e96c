import { describe, expect, test } from "@jest/globals";
import { heldBy, type HeldFacts } from "../../src/core/held.ts";
import { formatId, newId } from "../../src/core/ids.ts";

const NOW = new Date("2026-11-21T10:00:00.000Z");
const ago = (s: number): Date => new Date(NOW.getTime() - s * 1_000);
const id = newId();
const other = newId();

const FREE: HeldFacts = {
  next_attempt_at: ago(1),
  endpoint_state: "active",
  endpoint_deleted: false,
  state_since: ago(900),
  disabled_reason: null,
  rate_limit_per_s: null,
  max_in_flight: 10,
  breaker_failures: 0,
  breaker_since: null,
  breaker_until: null,
  breaker_reason: null,
  next_send_at: null,
  ordered: false,
  leased: true,
  first: null,
  before: 0,
  deliverers: 1,
};
const held = (facts: Partial<HeldFacts>) => heldBy(id, { ...FREE, ...facts }, NOW);
const reason = (facts: Partial<HeldFacts>) => held(facts)?.reason ?? null;

const BROKEN = {
  breaker_failures: 12,
  breaker_since: ago(600),
  breaker_until: ago(-300),
  breaker_reason: "HTTP 500",
};

describe("what nothing holds back", () => {
  test.each<[string, Partial<HeldFacts>]>([
    ["has just become due", {}],
    ["waits for its retry", { next_attempt_at: ago(-60) }],
    ["is retried after the next probe", { ...BROKEN, next_attempt_at: ago(-301) }],
    ["is being sent by its holder", { next_attempt_at: ago(14), before: 9 }],
    [
      "is first in its order",
      { ordered: true, first: { id, next_attempt_at: ago(1).toISOString() } },
    ],
    ["is of an endpoint that is deleted", { endpoint_state: "paused", endpoint_deleted: true }],
    ["could be sent again by the rate", { rate_limit_per_s: 2, next_send_at: ago(1) }],
    [
      "is retried later than the first in its order",
      {
        ordered: true,
        next_attempt_at: ago(-60),
        first: { id: other, next_attempt_at: ago(-30).toISOString() },
      },
    ],
  ])("%s", (_what, facts) => expect(held(facts)).toBeNull());
});

test("a pause and a disabled endpoint hold back what is due later, too", () => {
  for (const at of [ago(60), ago(-60)]) {
    expect(held({ ...BROKEN, endpoint_state: "paused", next_attempt_at: at })).toEqual({
      reason: "paused",
      since: ago(900),
      until: null,
      detail: "the endpoint is paused",
    });
    const gone = { endpoint_state: "disabled" as const, disabled_reason: "gone" as const };
    expect(held({ ...gone, next_attempt_at: at })).toMatchObject({
      reason: "disabled",
      detail: "the endpoint is disabled: the receiver answered 410 Gone",
    });
  }
});

test("an open breaker holds back what is due before its probe, and says when that is", () => {
  for (const at of [ago(60), ago(-299)]) {
    expect(held({ ...BROKEN, next_attempt_at: at })).toEqual({
      reason: "breaker_open",
      since: ago(600),
      until: ago(-300),
      detail: "HTTP 500, 12 failures in a row",
    });
  }
  expect(held({ ...BROKEN, breaker_until: ago(1) })).toMatchObject({
    reason: "breaker_open",
    until: null,
    detail: "HTTP 500, 12 failures in a row; the next attempt is a probe",
  });
  // a probe that is over says nothing of what is retried later
  expect(held({ ...BROKEN, breaker_until: ago(1), next_attempt_at: ago(-1) })).toBeNull();
});

test("in an order, the first is named, with the time of its next attempt", () => {
  const first = { id: other, next_attempt_at: ago(-90).toISOString() };
  expect(held({ ordered: true, first, next_attempt_at: ago(20) })).toEqual({
    reason: "order",
    since: ago(20),
    until: ago(-90),
    detail: `${formatId("delivery", other)} is before it`,
  });
});

test("limits hold back what was due for a while behind others", () => {
  const late = { next_attempt_at: ago(6), before: 10 };
  expect(held(late)).toMatchObject({ reason: "in_flight", detail: expect.stringContaining("10") });
  expect(reason({ ...late, before: 9 })).toBeNull();
  expect(reason({ ...late, next_attempt_at: ago(4) })).toBeNull();
  expect(held({ ...late, rate_limit_per_s: 0.5 })).toMatchObject({
    reason: "rate_limit",
    detail: "the endpoint takes 0.5 per second at most",
  });
  const rate = { rate_limit_per_s: 0.5, next_send_at: ago(-2), leased: false };
  expect(held(rate)).toMatchObject({ reason: "rate_limit", until: ago(-2) });
});

test("what nobody takes up waits for a process", () => {
  const late = { next_attempt_at: ago(6), leased: false, before: null };
  expect(held(late)).toMatchObject({ reason: "waiting_for_process", since: ago(6) });
  expect(held(late)?.detail).toBe("the processes that deliver are busy");
  expect(held({ ...late, deliverers: 0 })?.detail).toBe("no process that delivers is running");
  // an attempt would be over by now
  expect(reason({ next_attempt_at: ago(70), before: 3 })).toBe("waiting_for_process");
});
