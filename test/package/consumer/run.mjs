// Imports all there is, and uses it: a job type of one's own, the client, the kit, the verifier.
import { fileURLToPath } from "node:url";
import * as root from "ringback";
import * as express from "ringback/express";
import { startRingback } from "ringback/testing";
import { verifyWebhook } from "ringback/webhooks";

const rb = await startRingback({
  databaseUrl: process.env.SERVER_URL,
  jobTypes: [new URL("./doubled.mjs", import.meta.url)],
});
const receiver = await rb.receiver();
const job = await rb.client.jobs.submit(
  "number.doubled",
  { n: 21 },
  { callback_url: receiver.url },
);
const result = await job.result();
await rb.runAll();
const { body, headers } = await receiver.next({ type: "job.completed" });
const webhook = await verifyWebhook(body, headers, await rb.client.signing.secretFor(receiver.url));
await rb.stop();
console.log(
  JSON.stringify({
    root: Object.keys(root).sort(),
    express: Object.keys(express).sort(),
    result,
    webhook: webhook.data.result,
    from: fileURLToPath(import.meta.resolve("ringback")),
  }),
);
