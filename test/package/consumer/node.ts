import express from "express";
import { defineJobType, JobError } from "ringback";
import { receiveWebhooks, recentWebhooks } from "ringback/express";
import { startRingback } from "ringback/testing";
import type { Receiver } from "ringback/testing";
import { z } from "zod";

export const doubled = defineJobType({
  name: "number.doubled",
  input: z.object({ n: z.number() }),
  result: z.object({ n: z.number() }),
  run({ input }) {
    if (input.n < 0) throw new JobError("too small", { code: "too_small" });
    return { n: input.n * 2 };
  },
});

export const app = express();
app.post("/hooks", receiveWebhooks("whsec_x", recentWebhooks()), (request, response) => {
  if (request.webhook?.type === "job.failed") console.log(request.webhook.data.error.message);
  response.sendStatus(204);
});

export async function tested(): Promise<void> {
  await using rb = await startRingback<{
    "number.doubled": { input: unknown; result: { n: number } };
  }>();
  const receiver: Receiver = await rb.receiver();
  receiver.respondWith(500, async ({ type }) => (type === "job.completed" ? 204 : 500));
  const job = await rb.client.jobs.submit("number.doubled", { n: 2 });
  await rb.advance("24h");
  const { n } = await job.result();
  receiver.assertReceived({ type: "job.completed", data: { result: { n } } }, 1);
  // @ts-expect-error -- weeks are no unit
  await rb.advance("2w");
}
