import { expect, test } from "@jest/globals";
import { packHeaders, unpackHeaders } from "../../src/core/attempt-headers.ts";

const SOURCE = {
  webhookId: "msg_01k4",
  requestId: "req-7",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  attemptId: "01911a0e-7d20-7abc-b7ad-6b7169203331",
  number: 3,
  startedAt: new Date(1_700_000_000_999),
};
const SENT = {
  "x-custom": "mine",
  "content-type": "application/json",
  "user-agent": "Ringback/1.0.0",
  "webhook-id": "msg_01k4",
  "webhook-timestamp": "1700000000",
  "webhook-signature": "v1,abc v1a,def",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  "x-request-id": "req-7",
  "ringback-attempt": "3",
};

test("what the message tells is not kept twice, and comes back in its order", () => {
  const packed = packHeaders(SENT, SOURCE);
  expect(packed).toEqual({
    "x-custom": "mine",
    "user-agent": "Ringback/1.0.0",
    "webhook-signature": "v1,abc v1a,def",
  });
  expect(Object.entries(unpackHeaders(packed, SOURCE))).toEqual(Object.entries(SENT));
});

test("a header that says something else than the message is kept as it was sent", () => {
  const odd = {
    ...SENT,
    "content-type": "text/plain",
    "webhook-timestamp": "1699999999",
    traceparent: "00-other-b7ad6b71-01",
  };
  expect(unpackHeaders(packHeaders(odd, SOURCE), SOURCE)).toEqual(odd);
});
