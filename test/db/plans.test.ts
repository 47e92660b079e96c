import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { CAPPED_AT } from "../../src/core/capped-count.ts";
import { formatId } from "../../src/core/ids.ts";
import { routes } from "../../src/http/routes/index.ts";
import { startApi, type TestApi } from "../http/api.ts";
import { fillTables, type Filled } from "../support/big-tables.ts";
import { explain, listenIn, rowsRead, scansOf, sortsOf, type Plan } from "../support/plans.ts";

const ROWS = 30_000;
/** What an answer may cost: a page, what a filter passes over, and a look into each partition. */
const MOST_READ = ROWS / 50;

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
    status: ["completed", "failed", "canceled", "running", "pending"],
    type: ["demo.echo", "csv.summary", "demo.burn", "none"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
  }),
  "/v1/deliveries": () => ({
    status: ["delivered", "dead", "pending", "canceled"],
    endpoint_id: filled.endpoints.map((id) => formatId("endpoint", id)),
    job_id: [formatId("job", filled.job)],
    message_id: [formatId("message", filled.message)],
    event_type: ["job.completed", "job.failed", "order.created", "order.rare", "order.none"],
    status_class: ["2xx", "3xx", "4xx", "5xx", "error"],
    error_code: ["connect", "tls", "timeout"],
    min_attempts: ["1", "2", "8", "90"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
  }),
  "/v1/dead-letters": () => ({
    reason: ["exhausted", "gone", "target_blocked"],
    endpoint_id: filled.endpoints.map((id) => formatId("endpoint", id)),
    job_id: [formatId("job", filled.job)],
    event_type: ["job.completed", "order.rare"],
    since: [day(1), day(20)],
    until: [day(1), day(20)],
    discarded: ["true", "false"],
  }),
  "/v1/jobs/{id}/deliveries": () => ({}),
  "/v1/deliveries/{id}/attempts": () => ({}),
  "/v1/replays": () => ({}),
  "/v1/endpoints": () => ({}),
  "/v1/lanes": () => ({ state: ["ok", "broken", "paused", "disabled"] }),
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
    `status=completed&since=${day(20)}&until=${day(19)}`,
    `type=demo.echo&since=${day(20)}&until=${day(19)}`,
  ],
  "/v1/deliveries": () => [
    `status=dead&since=${day(20)}&until=${day(19)}`,
    `status=dead&endpoint_id=${formatId("endpoint", filled.endpoints[0]!)}`,
    `status=delivered&endpoint_id=${formatId("endpoint", filled.endpoints[1]!)}`,
    `status=delivered&event_type=order.rare`,
    `status_class=5xx&min_attempts=3&since=${day(20)}`,
    `event_type=job.failed&status_class=error`,
  ],
  "/v1/dead-letters": () => [
    `reason=exhausted&endpoint_id=${formatId("endpoint", filled.endpoints[0]!)}`,
    `reason=gone&since=${day(20)}&until=${day(19)}`,
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
      // ends of another type are passed over, each with its job
      const most = troubled + (/status=failed&type=/.test(path) ? MOST_READ : 0);
      for (const plan of await plansOf(path)) check(path, plan, MOST_READ + most);
    }
  });

  test.each(["/v1/jobs", "/v1/deliveries", "/v1/dead-letters"])(
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
])("%s counts along indexes", async (path) => {
  for (const plan of await plansOf(path)) check(path, plan, 5 * (CAPPED_AT + 1));
});

test("a job's timeline goes along indexes", async () => {
  const path = `/v1/jobs/${formatId("job", filled.job)}/timeline`;
  for (const plan of await plansOf(path)) check(path, plan);
});

function shape(query: unknown): Record<string, unknown> {
  return (query as { shape?: Record<string, unknown> } | undefined)?.shape ?? {};
}
