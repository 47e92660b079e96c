// Checked with the types of browsers alone, none of Node's.
// oxlint-disable typescript/switch-exhaustiveness-check -- a default takes the rest
import { JobFailedError, Ringback, RingbackError, verifyWebhook } from "ringback";
import type { Job, Webhook } from "ringback";
import { WebhookError } from "ringback/webhooks";

interface Types {
  "csv.summary": { input: { csv: string }; result: { rows: number } };
  [other: string]: { input: unknown; result: unknown };
}

const client = new Ringback<Pick<Types, "csv.summary">>({ apiKey: "rk_x", baseUrl: "http://x" });

export async function rows(csv: string): Promise<number> {
  const job = await client.jobs.submit("csv.summary", { csv }, { metadata: { order: 1 } });
  // @ts-expect-error -- the input of csv.summary has another shape
  await client.jobs.submit("csv.summary", { text: csv });
  // @ts-expect-error -- there is no such job type
  await client.jobs.submit("csv.sumary", { csv });
  // @ts-expect-error -- there is no such status
  client.jobs.list({ status: "done" });
  const { rows: count } = await job.result({ signal: AbortSignal.timeout(1_000) });
  return count;
}

export async function anyJob(): Promise<Job> {
  const untyped = new Ringback({ apiKey: "rk_x", baseUrl: "http://x", fetch });
  for await (const delivery of untyped.deliveries.list({ status: "dead" })) {
    const reason:
      | "gone"
      | "target_blocked"
      | "final_status"
      | "exhausted"
      | "expired"
      | "endpoint_disabled"
      | null = delivery.dead_reason;
    if (reason === "gone") await untyped.deliveries.replay(delivery.id);
  }
  const { data } = await untyped.request("GET /v1/jobs", { query: { limit: 1 } });
  return await untyped.jobs.get(data[0]?.id ?? "");
}

export function explain(error: unknown): string {
  if (error instanceof JobFailedError) return `${error.code} ${error.job.run}`;
  if (error instanceof WebhookError && error.code === "missing_header") return error.message;
  if (!(error instanceof RingbackError)) throw error;
  switch (error.code) {
    case "job_type_unknown":
    case "timed_out":
      return error.detail;
    // @ts-expect-error -- there is no such code
    case "job_type_unknwon":
      return "";
    default:
      return error.errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join();
  }
}

export async function receive(request: Request): Promise<string> {
  const webhook: Webhook<{ "invoice.paid": { invoice: string } }> = await verifyWebhook(
    await request.arrayBuffer(),
    request.headers,
    ["whsec_x", "whpk_x"],
  );
  switch (webhook.type) {
    case "job.completed":
      return webhook.data.result_url ?? webhook.id;
    case "job.failed":
    case "job.canceled":
      return webhook.data.error.code;
    case "job.progress":
      return String(webhook.data.progress.fraction);
    case "job.started":
      return webhook.data.job_id;
    case "endpoint.test":
      return "a test";
    case "invoice.paid":
      return webhook.data.invoice;
    default: {
      const name: string = webhook.type;
      const data: Record<string, unknown> = webhook.data;
      return name + JSON.stringify(data);
    }
  }
}
