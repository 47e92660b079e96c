import type { ChaosAnswer, ChaosClient } from "./client.ts";

const SHAKEN = 6;
const STEADY_ORDERED = 3;
const RETRY = { max_attempts: 3, base_s: 0.2, factor: 2, cap_s: 1 };
const TICK = "steady.tick";

/** What the chaos is about: endpoints that are shaken, and steady ones that only get much to do. */
export interface World {
  /** Each action is one call, or two. */
  actions: Record<string, () => Promise<unknown>>;
  /** Publishes one message to all steady endpoints. */
  publish(): Promise<unknown>;
  /** Stops a flood for a moment: pauses the first steady endpoint, and resumes it. */
  pauseAndResume(): Promise<void>;
  /** Every endpoint may send again. */
  enableAll(): Promise<void>;
}

export async function createWorld(client: ChaosClient, url: string): Promise<World> {
  const { call } = client;
  let made = 0;

  async function create(path: string, fields: object): Promise<string> {
    const body = { url: `${url}${path}`, retry: RETRY, timeout_s: 1, ...fields };
    const answer = await call("create endpoint", "POST", "/v1/endpoints", body);
    if (answer.status !== 201) throw new Error(`no endpoint: ${JSON.stringify(answer.body)}`);
    return String(answer.body["id"]);
  }
  const shaken = (ordered: boolean): Promise<string> =>
    create(`/shaken-${made++}/`, {
      ordered,
      max_in_flight: pick([1, 3, 10]),
      events: pick([["job.completed"], ["job.completed", "job.started"], ["a.b", "job.completed"]]),
    });

  const endpoints: string[] = [];
  for (let i = 0; i < SHAKEN; i++) endpoints.push(await shaken(i % 2 === 0));
  const steady = [await create("/steady-unordered", { events: [TICK] })];
  for (let i = 0; i < STEADY_ORDERED; i++) {
    steady.push(await create(`/steady-${i}`, { events: [TICK], ordered: true }));
  }

  const of = (action = ""): string => `/v1/endpoints/${pick(endpoints)}${action}`;
  const callback = (): object => {
    if (chance(0.5))
      return { endpoint_id: pick(endpoints), events: ["job.completed", "job.started"] };
    const ordered = chance(0.5);
    return {
      url: `${url}/callbacks${ordered ? "-in-order" : ""}/`,
      retry: RETRY,
      timeout_s: 1,
      ordered,
    };
  };

  const actions: World["actions"] = {
    job: () =>
      call("submit job", "POST", "/v1/jobs", {
        type: "demo.echo",
        input: 1,
        callbacks: Array.from({ length: 1 + below(3) }, callback),
      }),
    async jobCanceled() {
      const job = { type: "demo.sleep", input: { ms: below(200) } };
      const { body } = await call("submit job", "POST", "/v1/jobs", job);
      if (chance(0.4)) await call("cancel job", "POST", `/v1/jobs/${String(body["id"])}/cancel`);
    },
    message: () => call("publish", "POST", "/v1/messages", { type: "a.b", data: { n: below(9) } }),
    state() {
      const action = pick(["pause", "resume", "enable", "enable", "resume"]);
      return call(action, "POST", of(`/${action}`));
    },
    order: () => call("set order", "PATCH", of(), { ordered: chance(0.5) }),
    limits: () =>
      call(
        "set limits",
        "PATCH",
        of(),
        pick([{ max_in_flight: 1 + below(5) }, { rate_limit_per_s: pick([null, 20, 200]) }]),
      ),
    async move() {
      const id = pick(endpoints);
      const { body } = await call("read endpoint", "GET", `/v1/endpoints/${id}`);
      // deleted meanwhile
      if (typeof body["url"] !== "string") return;
      const name = new URL(body["url"]).pathname.split("/")[1];
      const moved = { url: `${url}/${name}/moved-${below(1_000)}` };
      await call("set url", "PATCH", `/v1/endpoints/${id}`, moved);
    },
    rotate: () =>
      chance(0.2)
        ? call("rotate secret", "POST", of("/rotate-secret"), {})
        : call("read groups", "GET", "/v1/dead-letters/groups?by=endpoint"),
    async replayOne() {
      const { body } = await call("read deliveries", "GET", "/v1/deliveries?limit=50");
      const ids = idsOf(body);
      if (ids.length > 0) await call("replay one", "POST", `/v1/deliveries/${pick(ids)}/replay`);
    },
    async replayMany() {
      const filter = pick([
        {},
        { status: "delivered", endpoint_id: pick(endpoints) },
        { reason: "exhausted" },
      ]);
      const { status, body } = await call("replay many", "POST", "/v1/replays", { filter });
      if (status >= 300 || !chance(0.3)) return;
      await call("cancel replay", "POST", `/v1/replays/${String(body["id"])}/cancel`);
    },
    discard: () =>
      chance(0.2)
        ? call("discard", "POST", "/v1/replays", { filter: {}, action: "discard", note: "chaos" })
        : call("read overview", "GET", "/v1/overview"),
    async remove() {
      if (!chance(0.15)) return await call("read lanes", "GET", "/v1/lanes");
      const index = below(endpoints.length);
      const old = endpoints[index]!;
      endpoints[index] = await shaken(chance(0.5));
      return await call("delete endpoint", "DELETE", `/v1/endpoints/${old}`);
    },
  };

  return {
    actions,
    publish: () =>
      call("publish", "POST", "/v1/messages", { type: TICK, data: { at: Date.now() } }),
    async pauseAndResume() {
      for (const action of ["pause", "resume"]) {
        await call(`${action} (steady)`, "POST", `/v1/endpoints/${steady[1]}/${action}`);
      }
    },
    async enableAll() {
      for (const id of [...endpoints, ...steady]) {
        await call("enable", "POST", `/v1/endpoints/${id}/enable`);
      }
    },
  };
}

function idsOf(body: ChaosAnswer["body"]): string[] {
  return ((body["data"] ?? []) as { id: string }[]).map(({ id }) => id);
}

function chance(probability: number): boolean {
  return Math.random() < probability;
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}

function pick<T>(items: readonly T[]): T {
  return items[below(items.length)]!;
}
