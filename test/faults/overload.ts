import { setTimeout as sleep } from "node:timers/promises";
import { createApiClient } from "./api-client.ts";
import type { ApiClient } from "./api-client.ts";
import { checkOverload } from "./checks-of-overload.ts";
import type { Inject, Scene } from "./incident.ts";
import type { OpenReceiver } from "./receivers.ts";
import type { Stack } from "./stack.ts";
import { startTraffic } from "./traffic.ts";
import type { Traffic } from "./traffic.ts";

/** What each account asks for, in messages and in jobs per second. */
const DEMAND = { flood: { messages: 80, jobs: 40 }, quiet: { messages: 3, jobs: 2 } } as const;
const QUIET_ACCOUNTS = 2;
/** Two at a time, each this long: forty a second for a lane. */
const ANSWER_MS = 50;
const IN_FLIGHT = 2;
const JOB_MS = 250;
const CLIENTS = 8;
const RETRY = { max_attempts: 50, base_s: 0.1, factor: 1.5, cap_s: 2 };

/** One account, and the ids of what it was promised. */
export interface Crowd {
  name: string;
  quiet: boolean;
  messages: string[];
  jobs: string[];
}

/** One account asks for twice of what can be done, others for a little: everybody gets something. */
export const overload: Inject = async (stack, _, scene) => {
  const receiver = await scene.receivers.open((path) => ({
    status: 200,
    delayMs: path.startsWith("/jobs") ? 0 : ANSWER_MS,
  }));
  const names = ["flood", ...Array.from({ length: QUIET_ACCOUNTS }, (_one, i) => `quiet-${i + 1}`)];
  const run = Date.now();
  const members = await Promise.all(
    names.map((name) => join(stack, scene, receiver, `${name}-${run}`)),
  );
  const traffic = members.flatMap((member) => ask(member, scene));
  await sleep(scene.holdMs, undefined, { signal: scene.signal });
  await Promise.all(traffic.map((one) => one.stop()));
  const to = Date.now();
  return {
    target: names.join(", "),
    to,
    workerId: null,
    verify: () =>
      checkOverload(
        stack.database,
        scene,
        members.map(({ crowd }) => crowd),
        to,
      ),
  };
};

interface Member {
  client: ApiClient;
  crowd: Crowd;
  jobsUrl: string;
}

/** A new account with one endpoint for what it publishes, and one that hears of its jobs. */
async function join(
  stack: Stack,
  { signal, onMisbehaviour }: Scene,
  receiver: OpenReceiver,
  name: string,
): Promise<Member> {
  const apiKey = await stack.createAccount(name);
  const client = createApiClient({ baseUrl: stack.apiUrl, apiKey, signal, onMisbehaviour });
  const jobsUrl = `${receiver.url}/jobs-of-${name}`;
  await addEndpoint(client, receiver, `/messages-of-${name}`, ["tick"]);
  await addEndpoint(client, receiver, `/jobs-of-${name}`, ["job.completed"]);
  const crowd = { name, quiet: !name.startsWith("flood"), messages: [], jobs: [] };
  return { client, crowd, jobsUrl };
}

async function addEndpoint(
  client: ApiClient,
  receiver: OpenReceiver,
  path: string,
  events: string[],
): Promise<void> {
  const url = receiver.url + path;
  const made = await client.insist("POST", "/v1/endpoints", {
    body: JSON.stringify({ url, events, max_in_flight: IN_FLIGHT, retry: RETRY }),
  });
  if (made?.status !== 201) throw new Error(`no endpoint: ${JSON.stringify(made?.body)}`);
  receiver.setSecret(path, String(made.body["secret"]));
}

function ask({ client, crowd, jobsUrl }: Member, scene: Scene): Traffic[] {
  const { load, onMisbehaviour, signal } = scene;
  const demand = crowd.quiet ? DEMAND.quiet : DEMAND.flood;
  const at = (perSecond: number, send: () => Promise<void>): Traffic =>
    startTraffic({ clients: CLIENTS, pauseMs: (1_000 * CLIENTS) / perSecond, send, signal });

  async function publish(): Promise<void> {
    const body = JSON.stringify({ type: "tick", data: { of: crowd.name } });
    const answer = await client.insist("POST", "/v1/messages", { body });
    if (answer?.status === 202) crowd.messages.push(String(answer.body["id"]));
    else onMisbehaviour(`a message of ${crowd.name} was answered ${answer?.status}`);
  }

  async function submit(): Promise<void> {
    const n = load.nextNumber();
    const key = `${crowd.name}-${n}`;
    const job = { type: "demo.sleep", input: { ms: JOB_MS }, metadata: { n } };
    const body = JSON.stringify(job);
    const answer = await client.insist("POST", "/v1/jobs", { body, key });
    const id = String(answer?.body["id"]);
    if (answer?.status !== 202) {
      return onMisbehaviour(`a job of ${crowd.name} was answered ${answer?.status}`);
    }
    crowd.jobs.push(id);
    load.acknowledged.push({ n, key, body, expected: [jobsUrl], id });
  }

  return [at(demand.messages, publish), at(demand.jobs, submit)];
}
