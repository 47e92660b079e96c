import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { listPartitions } from "../../src/db/maintenance/partitions.ts";
import { retain } from "../../src/flow/maintenance/retain.ts";
import { startApi } from "../http/api.ts";
import type { TestApi } from "../http/api.ts";
import { count, until } from "../support/jobs.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Receiver } from "../support/receiver.ts";

const DAY_MS = 86_400_000;

let api: TestApi;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
  api = await startApi();
});
afterAll(async () => {
  await api?.stop();
  await receiver?.close();
});
beforeEach(() => {
  receiver.respond(({ path }) => (path === "/bad" ? 500 : 204));
});

let passed = 0;
/** Time passes, as far as retention can tell. */
async function retainAfter(days: number): Promise<void> {
  passed += days;
  await retain({ ...api.context, now: () => new Date(Date.now() + passed * DAY_MS) });
  const now = Date.now() + passed * DAY_MS;
  const weeks = (await listPartitions(api.context.pool)).filter(({ name }) => !/kept/.test(name));
  // it was not put off
  expect(Math.min(...weeks.map(({ to }) => to.getTime()))).toBeGreaterThan(now - 30 * DAY_MS);
}

async function make(path: string, body: unknown): Promise<string> {
  const answer = await api.ask("POST", path, { body });
  expect(answer.status).toBeLessThan(300);
  return answer.body["id"] as string;
}

async function statusesOf(job: string): Promise<unknown[]> {
  const { status, body } = await api.ask("GET", `/v1/jobs/${job}/deliveries`);
  expect(status).toBe(200);
  return (body["data"] as { status: string }[]).map((one) => one.status).sort();
}

describe("retention", () => {
  test("M2: the books balance when a message's receivers ended differently", async () => {
    const job = await make("/v1/jobs", {
      type: "demo.echo",
      input: 1,
      callbacks: [
        { url: `${receiver.url}/good` },
        { url: `${receiver.url}/bad`, retry: { max_attempts: 1 } },
      ],
    });
    const ends = async (): Promise<boolean> => (await statusesOf(job)).join() === "dead,delivered";
    await until("the ends", ends);
    await retainAfter(45);
    expect(await statusesOf(job)).toEqual(["dead", "delivered"]);
    expect(await count(api, "books where balanced and dead = 1 and delivered = 1")).toBe(1);
    // a dead letter goes with all of its message
    await retainAfter(60);
    for (const table of [
      "messages",
      "deliveries",
      "attempts",
      "dead_letters",
      "jobs",
      "job_ends",
    ]) {
      expect(await count(api, table)).toBe(0);
    }
    expect((await api.ask("GET", `/v1/jobs/${job}/deliveries`)).status).toBe(404);
  });

  test("M3, L9: what an undelivered webhook points to can be fetched until it is delivered", async () => {
    const endpoint = await make("/v1/endpoints", {
      url: `${receiver.url}/late`,
      events: ["job.completed"],
    });
    await api.ask("POST", `/v1/endpoints/${endpoint}/pause`);
    const job = await make("/v1/jobs", { type: "demo.echo", input: "x".repeat(70_000) });
    await until("its delivery", async () => (await statusesOf(job)).length === 1);
    await retainAfter(60);
    await api.ask("POST", `/v1/endpoints/${endpoint}/resume`);
    const sent = await receiver.waitFor(({ path }) => path === "/late");
    const { data } = JSON.parse(sent.body.toString()) as { data: { result_url: string } };
    expect((await api.ask("GET", new URL(data.result_url).pathname)).status).toBe(200);
    await until("the settling", async () => (await statusesOf(job))[0] === "delivered");
    // the delivery is kept for its time, the job, by other settings, may be gone
    await api.database.pool.query("truncate jobs, unfinished_jobs, job_ends");
    expect(await statusesOf(job)).toEqual(["delivered"]);
    expect((await api.ask("GET", `/v1/jobs/${job}`)).status).toBe(404);
  });
});
