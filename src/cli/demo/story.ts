import type { Delivery, DeliveryWithAttempts, Job } from "../../client/openapi-types.ts";
import type { Ringback } from "../../client/ringback.ts";
import { csvSummary } from "../../job-types/csv-summary.ts";
import { booksLine } from "./books.ts";
import type { Books } from "./books.ts";
import type { Partner, PartnerCall, PartnerOptions } from "./partner.ts";
import { bar, heading, line, styled } from "./print.ts";
import { offset, timeline } from "./timeline.ts";
import { waitFor } from "./wait-for.ts";

export interface Stage {
  signal: AbortSignal;
  version: string;
  url: string;
  client: Ringback;
  csvUrl: string;
  startPartner(options: PartnerOptions): Promise<Partner>;
  readBooks(messageId: string): Promise<Books>;
}

interface Cast {
  reports: Partner;
  orders: Partner;
  billing: Partner;
}

/** Short, so that the demo is: by default a delivery is tried 12 times over two and a half days. */
const RETRY = { max_attempts: 3, base_s: 0.5, factor: 2 };

/** Tells the story. @throws Error when the program does not do what the story says */
export async function tellStory(stage: Stage): Promise<void> {
  console.log(`  Ringback ${stage.version} at ${stage.url}`);
  const log = new CallLog();
  const cast = await introduce(stage, log);
  log.startedAt = new Date();
  const job = await compute(stage, cast);
  await callBack(stage, cast, job, log);
  await replay(stage, cast, job);
  await showAttempts(stage, cast, job, log.startedAt);
  whatNext();
}

/** Prints calls as they come in; holds them back until it is their turn in the story. */
class CallLog {
  startedAt = new Date();
  #held: PartnerCall[] | null = [];

  add(call: PartnerCall): void {
    if (this.#held === null) this.#print(call);
    else this.#held.push(call);
  }

  open(): void {
    for (const call of this.#held ?? []) this.#print(call);
    this.#held = null;
  }

  #print({ at, partner, attempt, verified, answer }: PartnerCall): void {
    const signature = verified ? "signature valid" : styled("red", "SIGNATURE INVALID");
    const reply = answer === "hangs up" ? answer : `answers ${answer}`;
    const good = verified && answer === 200;
    line(
      `${offset(at.getTime() - this.startedAt.getTime())}  ${partner.padEnd(8)} attempt ${attempt}   ${signature}   ${styled(good ? "green" : "yellow", reply)}`,
    );
  }
}

async function introduce({ client, startPartner }: Stage, log: CallLog): Promise<Cast> {
  heading(1, "Three partners want to be called back");
  const start = async (name: string, behaviour: Partner["behaviour"], about: string) => {
    const partner = await startPartner({ name, behaviour, onCall: (call) => log.add(call) });
    line(`${styled("bold", name.padEnd(8))} ${new URL(partner.url).host}   ${about}`);
    return partner;
  };
  const reports = await start("reports", () => 200, "works");
  const orders = await start(
    "orders",
    (call) => (call <= 2 ? 500 : 200),
    "fails twice, then works",
  );
  const billing = await start("billing", () => "hangs up", "is down: it hangs up on every call");

  // callback URLs are signed with the secret of their origin, an endpoint with its own
  for (const partner of [reports, orders]) {
    partner.secret = await client.signing.secretFor(partner.url);
  }
  const endpoint = await client.endpoints.create({
    url: billing.url,
    events: ["job.completed"],
    retry: RETRY,
  });
  billing.secret = endpoint.secret;
  line("Each checks every signature with the package standardwebhooks.");
  return { reports, orders, billing };
}

async function compute({ client, csvUrl, signal }: Stage, { reports, orders }: Cast): Promise<Job> {
  heading(2, "A job: four years of Seattle's weather, a CSV on a slow server");
  const input = { url: csvUrl, delimiter: ",", group_by: "weather", columns: ["temp_max"] };
  const callbacks = [{ url: reports.url }, { url: orders.url, retry: RETRY }];
  const accepted = await client.jobs.submit("csv.summary", input, { callbacks });
  line(`POST /v1/jobs   202 Accepted   ${accepted.id}`);
  let shown = -1;
  const job = await waitFor("the job to end", signal, async () => {
    const { data: now } = await client.jobs.get(accepted.id);
    const { fraction, message } = now.progress;
    if (now.finished_at === null && fraction > shown && message !== null) {
      shown = fraction;
      line(`${bar(fraction)}   ${message}`);
    }
    return now.finished_at === null ? null : now;
  });
  if (job.status !== "completed") throw new Error(`the job ${job.status}: ${job.error?.message}`);
  const result = csvSummary.result.parse(
    await client.request("GET /v1/jobs/{id}/result", { id: job.id }),
  );
  line(`${bar(1)}   ${styled("green", `completed, ${result.rows.toLocaleString("en")} rows`)}`);
  line("GET /v1/jobs/{id}/result, in part:");
  for (const { key, rows, columns } of result.groups ?? []) {
    const high = columns["temp_max"]?.mean ?? 0;
    const weather = key["weather"] ?? "";
    line(`  ${weather.padEnd(8)} ${String(rows).padStart(4)} days   ${high.toFixed(1)} °C by day`);
  }
  return job;
}

async function callBack(stage: Stage, cast: Cast, job: Job, log: CallLog): Promise<void> {
  const { client, signal, readBooks } = stage;
  heading(3, "The calls (the result and its webhook were one transaction)");
  log.open();
  const { dead } = await waitFor("the first calls to end", signal, async () => {
    const data = await listDeliveries(client, job);
    if (data.some(({ status }) => status === "pending")) return null;
    return { dead: data.filter(({ status }) => status === "dead") };
  });
  const [letter] = dead;
  if (dead.length !== 1 || letter?.url !== cast.billing.url) {
    throw new Error(`billing should be the one dead letter, not ${dead.length} deliveries`);
  }
  line(
    `billing is given up: ${styled("red", `dead letter, ${letter.dead_reason}`)}. Nothing is lost:`,
  );
  line(booksLine(await readBooks(letter.message_id)));
}

async function replay({ client, signal }: Stage, { billing }: Cast, job: Job): Promise<void> {
  heading(4, "Billing is repaired, and gets its webhook by replay");
  billing.behaviour = () => 200;
  const { data } = await client.request("GET /v1/dead-letters", { query: { job_id: job.id } });
  const id = data[0]?.id ?? "";
  await client.deliveries.replay(id);
  line(`POST /v1/deliveries/${id}/replay   202`);
  await waitFor("the replay to arrive", signal, async () => {
    const found = await client.deliveries.get(id);
    return found.status === "delivered" ? found : null;
  });
  const ids = new Set(billing.calls.map(({ webhookId }) => webhookId));
  if (ids.size !== 1) throw new Error("the replay came with another webhook-id");
  line(`The same webhook-id as before, ${[...ids].join()}:`);
  line("a partner that had got it already would know it again.");
}

async function showAttempts(stage: Stage, cast: Cast, job: Job, from: Date): Promise<void> {
  heading(5, "Every attempt, as the log has it (seconds since the job was submitted)");
  const data = await listDeliveries(stage.client, job);
  for (const { name, url, calls } of Object.values(cast) as Partner[]) {
    const found = data.find((delivery) => delivery.url === url);
    const delivery: DeliveryWithAttempts = await stage.client.deliveries.get(found?.id ?? "");
    line(
      `${styled("bold", name.padEnd(8))}   ${delivery.id}   ${styled("green", delivery.status)}`,
    );
    for (const text of timeline(delivery, from)) line(text);
    if (delivery.attempts.length !== calls.length || calls.some(({ verified }) => !verified)) {
      throw new Error(`${name} saw other calls than the log has`);
    }
  }
  heading(6, "The books balance");
  line(styled("green", booksLine(await stage.readBooks(data[0]?.message_id ?? ""))));
}

function whatNext(): void {
  console.log(`\n  ${styled("bold", "What to do next")}`);
  line("ringback serve                     start one that stays, with your data");
  line("README.md                          submit a job and receive its webhook");
  line("docs/guides/receive-webhooks.md    verify, deduplicate, answer");
  line("docs/guides/write-a-job-type.md    compute something of your own");
  line();
}

async function listDeliveries(client: Ringback, { id }: Job): Promise<Delivery[]> {
  return (await client.request("GET /v1/jobs/{id}/deliveries", { id })).data;
}
