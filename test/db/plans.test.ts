import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { CAPPED_AT } from "../../src/core/capped-count.ts";
import { formatId, newId } from "../../src/core/ids.ts";
import { routes } from "../../src/http/routes/index.ts";
import { findOldestDue, readGauges } from "../../src/db/statistics/gauges.ts";
import { startApi, type TestApi } from "../http/api.ts";
import { fillTables, type Filled } from "../support/big-tables.ts";
import { explain, listenIn, rowsRead, scansOf, sortsOf, type Plan } from "../support/plans.ts";

const ROWS = 30_000;
/** What an answer may cost: a page, what a filter passes over, and a look into each partition. */
const MOST_READ = ROWS / 50;

/** A page that looks for what no index finds reads so many messages, and each again to judge it. */
const LOOKED = 3 * 5_000;

let api: TestApi;
let filled: Filled;

beforeAll(async () => {
  api = await startApi({ worker: false });
  filled = await fillTables(api, ROWS);
}, 60_000);
afterAll(async () => await api.stop());

/** The plans of all that one request asks. */
async function plansOf(path: string, key?: string): Promise<Plan[]> {
  const asked = await listenIn(async () => {
    const answer = await api.ask("GET", path, key === undefined ? {} : { key });
    expect([path, answer.status]).toEqual([path, 200]);
  });
  expect(asked.length).toBeGreaterThan(0);
  const plans: Plan[] = [];
  for (const query of asked) plans.push(await explain(api.database.pool, query));
  return plans;
}

const DAY = 86_400_000;
const day = (ago: number): string => new Date(filled.now - ago * DAY).toISOString();

/** Values of each filter: those that match most rows, those that match few, old ones, none. */
const LISTS: Record<string, () => Record<string, string[]>> = {
  "/v1/jobs": () => ({
    status: [
      "completed",
      "failed",
      "canceled",
      "running",
      "pending",
      "failed,canceled",
      "pending,failed,completed",
    ],
    not_status: ["completed", "completed,failed"],
    type: [
      "demo.echo",
      "csv.summary",
      "demo.burn",
      "none",
      "demo.burn,none",
      "demo.burn,csv.summary,demo.echo",
    ],
    not_type: ["demo.echo", "demo.echo,csv.summary", "none"],
    metadata: ["env=prod", "env=none"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
  }),
  "/v1/deliveries": () => ({
    status: [
      ...["delivered", "dead", "pending", "canceled", "held"],
      ...["canceled,pending", "canceled,delivered"],
    ],
    not_status: ["delivered", "delivered,dead", "canceled"],
    endpoint_id: [
      ...filled.endpoints.map((id) => formatId("endpoint", id)),
      filled.endpoints.map((id) => formatId("endpoint", id)).join(","),
    ],
    job_id: [formatId("job", filled.job)],
    message_id: [formatId("message", filled.message)],
    event_type: [
      ...["job.completed", "job.failed", "order.created", "order.rare", "order.none"],
      ...["order.rare,order.none", "job.completed,order.rare", "job.failed,order.rare"],
    ],
    not_event_type: ["job.completed", "job.completed,job.failed", "order.none", "order.rare"],
    status_class: ["2xx", "3xx", "4xx", "5xx", "error", "5xx,error", "2xx,5xx"],
    error_code: ["connect", "tls", "timeout", "tls,timeout"],
    min_attempts: ["1", "2", "8", "90"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
  }),
  "/v1/messages": () => ({
    type: ["job.completed", "order.created", "order.rare,job.failed", "none", "!job.completed"],
    job_id: [formatId("job", filled.job)],
    endpoint_id: filled.endpoints.map((id) => formatId("endpoint", id)),
    metadata: ["env=prod", "env=none"],
    text: ["order.rare"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
  }),
  "/v1/dead-letters": () => ({
    reason: ["exhausted", "gone", "target_blocked"],
    endpoint_id: filled.endpoints.map((id) => formatId("endpoint", id)),
    job_id: [formatId("job", filled.job)],
    event_type: ["job.completed", "order.rare"],
    status_code: ["500", "404"],
    error_code: ["connect", "tls", "dns"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
    discarded: ["true", "false"],
  }),
  "/v1/jobs/{id}/deliveries": () => ({}),
  "/v1/deliveries/{id}/attempts": () => ({}),
  "/v1/replays": () => ({}),
  "/v1/endpoints": () => ({
    sort: ["created", "name", "worst"],
    status: ["healthy", "failing", "paused", "disabled"],
    q: ["example.com", "none"],
    figures: ["true"],
  }),
  "/v1/lanes": () => ({ status: ["healthy", "failing", "paused", "disabled"] }),
  "/v1/accounts": () => ({ state: ["active", "suspended", "deleting", "deleted"] }),
  "/v1/api-keys": () => ({}),
  "/v1/portal-sessions": () => ({}),
  "/v1/audit-events": () => ({
    actor: ["system", ...filled.actors.map((id) => formatId("key", id))],
    action: ["endpoint.updated", "account.suspended", "account.deleted"],
    target: filled.endpoints.map((id) => formatId("endpoint", id)),
    since: [day(1), day(20)],
    until: [day(1), day(20)],
  }),
};

/** Every filter for itself and with the page behind, and some that are often combined. */
function pathsOf(list: string): string[] {
  const id = list.startsWith("/v1/jobs")
    ? formatId("job", filled.job)
    : formatId("delivery", filled.delivery);
  const path = list.replace("{id}", id);
  const filters = Object.entries(LISTS[list]!()).flatMap(([name, values]) =>
    values.map((value) => `${name}=${encodeURIComponent(value)}`),
  );
  return ["", ...filters, ...(COMBINED[list]?.() ?? [])].map(
    (query) => `${path}?limit=50${query === "" ? "" : `&${query}`}`,
  );
}

const COMBINED: Record<string, () => string[]> = {
  "/v1/jobs": () => [
    `status=failed&type=csv.summary`,
    `status=completed&type=csv.summary,demo.burn`,
    `status=completed&not_type=demo.echo`,
    `not_type=demo.echo&since=${day(20)}&until=${day(19)}`,
    `status=completed&since=${day(20)}&until=${day(19)}`,
    `type=demo.echo&since=${day(20)}&until=${day(19)}`,
  ],
  "/v1/deliveries": () => [
    `status=dead&since=${day(20)}&until=${day(19)}`,
    `status=dead&endpoint_id=${formatId("endpoint", filled.endpoints[0]!)}`,
    `status=delivered&endpoint_id=${formatId("endpoint", filled.endpoints[1]!)}`,
    `status=delivered&event_type=order.rare`,
    `status=dead&not_event_type=order.rare`,
    `status=pending,dead&not_event_type=job.failed`,
    `not_event_type=job.completed&since=${day(20)}&until=${day(19)}`,
    `event_type=order.rare,job.failed&status=delivered`,
    `status_class=5xx,error&not_event_type=job.completed`,
    `status_class=5xx&min_attempts=3&since=${day(20)}`,
    `event_type=job.failed&status_class=error`,
  ],
  "/v1/messages": () => [
    `type=order.rare&since=${day(20)}&until=${day(19)}`,
    `text=order.rare&since=${day(30)}`,
    `endpoint_id=${formatId("endpoint", filled.endpoints[0]!)}&type=order.rare`,
    `endpoint_id=${formatId("endpoint", filled.endpoints[1]!)}&job_id=${formatId("job", filled.job)}`,
  ],
  "/v1/dead-letters": () => [
    `reason=exhausted&endpoint_id=${formatId("endpoint", filled.endpoints[0]!)}`,
    `reason=gone&since=${day(20)}&until=${day(19)}`,
    `reason=exhausted&status_code=500&endpoint_id=${formatId("endpoint", filled.endpoints[1]!)}`,
  ],
};

function check(path: string, plan: Plan, mostRead = MOST_READ): void {
  const scanned = scansOf(plan).filter(({ relation }) => filled.big.has(relation));
  expect({ path, scanned }).toEqual({ path, scanned: [] });
  expect({ path, sorted: sortsOf(plan).filter((rows) => rows > mostRead) }).toEqual({
    path,
    sorted: [],
  });
  const read = rowsRead(plan);
  expect({ path, read, little: read <= mostRead }).toEqual({ path, read, little: true });
}

describe("lists go along an index, whatever they are filtered by", () => {
  test("all lists and all their filters are looked at here", () => {
    const lists = routes.filter(({ method, query }) => method === "get" && shape(query).cursor);
    const filters = lists.map(({ path, query }) => {
      const { limit: _, cursor: __, ...own } = shape(query);
      return [path, Object.keys(own).toSorted()];
    });
    const here = Object.entries(LISTS).map(([path, own]) => [path, Object.keys(own()).toSorted()]);
    expect(Object.fromEntries(here)).toEqual(Object.fromEntries(filters));
  });

  test.each(Object.keys(LISTS))("%s", async (list) => {
    for (const path of pathsOf(list)) {
      // the few that had trouble have an index of their own, which is looked through
      const troubled = /status_class|error_code|min_attempts/.test(path) ? filled.troubled : 0;
      // each value is a list of its own
      const lists = path.split("%2C").length;
      // what waits and what died is counted, up to a bound
      const counted = /sort=worst|figures/.test(path) ? 2 * CAPPED_AT : 0;
      // ends of another type are passed over, each with its job
      const most =
        troubled +
        counted +
        // held ones are found by their lanes, each with its endpoint
        (/status=held/.test(path) ? MOST_READ : 0) +
        (/status=failed&type=/.test(path) ? MOST_READ : 0) +
        // a page of those with a pair of metadata, each looked up and compared
        (/metadata=/.test(path) ? 6 * 500 : 0) +
        // what no index finds is looked for in so many messages
        (/[?&]text=|type=!|endpoint_id=.*type=/.test(path) && list === "/v1/messages" ? LOOKED : 0);
      for (const plan of await plansOf(path)) check(path, plan, lists * MOST_READ + most);
    }
  });

  test.each(["/v1/jobs", "/v1/messages", "/v1/deliveries", "/v1/dead-letters"])(
    "%s of an account with little among many, and the pages behind",
    async (list) => {
      for (const plan of await plansOf(`${list}?limit=50`, filled.small.apiKey)) check(list, plan);
      const first = await api.ask("GET", `${list}?limit=200`);
      const cursor = String(first.body["next_cursor"]);
      for (const plan of await plansOf(`${list}?limit=50&cursor=${cursor}`)) check(list, plan);
    },
  );
});

test.each([
  "/v1/overview",
  "/v1/workers",
  "/v1/stats",
  "/v1/dead-letters/groups?by=reason",
  "/v1/dead-letters/groups?by=endpoint",
  "/v1/dead-letters/groups?by=cause",
  "/v1/failed-jobs/groups",
])("%s counts along indexes", async (path) => {
  for (const plan of await plansOf(path)) check(path, plan, 5 * (CAPPED_AT + 1));
});

test("a job's timeline goes along indexes", async () => {
  const path = `/v1/jobs/${formatId("job", filled.job)}/timeline`;
  for (const plan of await plansOf(path)) check(path, plan);
});

test("why a delivery and a job wait is read along indexes, and the gauges are", async () => {
  const { rows } = await api.database.pool.query<{ delivery: string; job: string }>(
    `select (select id from deliveries where status = 'pending' and endpoint_id = $1 limit 1) as delivery,
       (select id from unfinished_jobs where status = 'pending' limit 1) as job`,
    [filled.endpoints[0]],
  );
  const paths = [
    `/v1/deliveries/${formatId("delivery", rows[0]!.delivery)}`,
    `/v1/jobs/${formatId("job", rows[0]!.job)}`,
  ];
  for (const path of paths) for (const plan of await plansOf(path)) check(path, plan);
  for (const read of [readGauges, findOldestDue]) {
    const asked = await listenIn(async () => void (await read(api.context.lookups)));
    for (const query of asked) {
      // each pending delivery with its lane and endpoint, and each lane by itself
      check(read.name, await explain(api.database.pool, query), 10 * 400 + ROWS / 10);
    }
  }
});

test("each look of a search goes along an index, and is bounded", async () => {
  const id = (kind: "job" | "message" | "delivery"): string => formatId(kind, filled[kind]);
  const requestId = newId();
  const texts = [id("job"), id("message"), id("delivery"), requestId, "prod", "env=prod", "A-1"];
  for (const text of [...texts, "https://50", "https://50/hook", "job.completed", "caller-1"]) {
    const path = `/v1/search?q=${encodeURIComponent(text)}`;
    // a URL is looked for among the newest deliveries
    const most = text.startsWith("https") ? 20_000 : MOST_READ;
    for (const plan of await plansOf(path)) check(path, plan, MOST_READ + most);
  }
});

function shape(query: unknown): Record<string, unknown> {
  return (query as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
}
