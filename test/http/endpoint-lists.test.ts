import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { newId, parseId } from "../../src/core/ids.ts";
import { counterSlot, durationSlot, STATS_WIDTH } from "../../src/core/stats.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ worker: false });
});
afterAll(async () => await api.stop());

interface Listed {
  id: string;
  description: string;
  health: { last_success_at: string | null };
  figures?: Record<string, unknown>;
}

async function create(description: string, events = ["none"], key?: string): Promise<string> {
  const url = `https://${description.toLowerCase().replaceAll(" ", "-") || "nameless"}.example/hooks`;
  const body = { url, description, events };
  const made = await api.ask("POST", "/v1/endpoints", { body, ...(key && { key }) });
  expect(made.status).toBe(201);
  return String(made.body["id"]);
}

async function list(query: string, key?: string): Promise<Listed[]> {
  const answer = await api.ask("GET", `/v1/endpoints?${query}`, key === undefined ? {} : { key });
  expect([query, answer.status]).toEqual([query, 200]);
  return answer.body["data"] as Listed[];
}

async function names(query: string): Promise<string[]> {
  return (await list(query)).map(({ description }) => description);
}

/** All pages of a list. */
async function walk(query: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const path = `/v1/endpoints?${query}&limit=${limit}${cursor === "" ? "" : `&cursor=${cursor}`}`;
    const { body, status } = await api.ask("GET", path);
    expect(status).toBe(200);
    found.push(...(body["data"] as Listed[]).map(({ id }) => id));
    cursor = body["next_cursor"] as string | null;
  }
  return found;
}

const sql = async (text: string, values: unknown[] = []): Promise<unknown> =>
  await api.database.pool.query(text, values);

test("deliveries, groups and lanes say the endpoint's name, also when it is deleted", async () => {
  const id = await create("Name first", ["n.x"]);
  const message = await api.ask("POST", "/v1/messages", { body: { type: "n.x", data: {} } });
  const [made] = message.body["deliveries"] as [Record<string, unknown>];
  expect(made).toMatchObject({ endpoint_id: id, endpoint_description: "Name first" });
  const named = async (path: string, field = "endpoint_description"): Promise<unknown[]> => {
    const { body } = await api.ask("GET", path);
    return (body["data"] as Record<string, unknown>[])
      .filter((one) => one["endpoint_id"] === id)
      .map((one) => one[field]);
  };
  expect(await named("/v1/deliveries?event_type=n.x")).toEqual(["Name first"]);
  expect(await named("/v1/lanes")).toEqual(["Name first"]);
  await sql(
    `with ended as (update deliveries set status = 'dead', next_attempt_at = null,
         finished_at = now() where event_type = 'n.x' returning *)
     insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
     select id, account_id, endpoint_id, 'exhausted', '' from ended`,
  );
  await api.ask("DELETE", `/v1/endpoints/${id}`);
  expect(await named("/v1/dead-letters?event_type=n.x")).toEqual(["Name first"]);
  expect(await named("/v1/dead-letters/groups?by=endpoint", "endpoint_name")).toEqual([
    "Name first",
  ]);
});

describe("a list of endpoints", () => {
  let broken: string;
  let waiting: string;
  let other: string;

  beforeAll(async () => {
    await create("Quiet");
    broken = await create("Broken");
    waiting = await create("Waiting", ["w.x"]);
    const paused = await create("Paused");
    const failing = await create("Failing");
    await create("");
    await create("Dying", ["d.x"]);
    const small = await api.addAccount("other");
    other = small.apiKey;
    await create("Of others", ["w.x"], other);
    const lane = (id: string): string =>
      `(select lane_id from endpoints where id = '${parseId("endpoint", id)}')`;
    await sql(`update lanes set breaker_until = now() + interval '1 hour', breaker_failures = 5,
      breaker_reason = 'HTTP 500' where id = ${lane(broken)}`);
    await sql(`update lanes set breaker_failures = 2 where id = ${lane(failing)}`);
    await api.ask("POST", `/v1/endpoints/${paused}/pause`, { body: {} });
    for (let n = 0; n < 3; n++) {
      await api.ask("POST", "/v1/messages", { body: { type: "w.x", data: { n } } });
    }
    await api.ask("POST", "/v1/messages", { body: { type: "d.x", data: {} } });
    await sql(
      `with ended as (update deliveries set status = 'dead', next_attempt_at = null,
           finished_at = now() where event_type = 'd.x' returning *)
       insert into dead_letters (delivery_id, account_id, endpoint_id, reason, detail)
       select id, account_id, endpoint_id, 'exhausted', '' from ended`,
    );
  });

  test("has the worst first, or goes by name, or by age", async () => {
    const worst = ["Broken", "Paused", "Failing", "Waiting", "Dying", "", "Quiet"];
    expect(await names("sort=worst")).toEqual(worst);
    expect(await names("sort=name")).toEqual([
      "Broken",
      "Dying",
      "Failing",
      "",
      "Paused",
      "Quiet",
      "Waiting",
    ]);
    expect((await names("")).at(-1)).toBe("Quiet");
  });

  test.each(["worst", "name", "created"])(
    "by %s has pages that lead through all, once",
    async (sort) => {
      const all = (await list(`sort=${sort}`)).map(({ id }) => id);
      for (const limit of [1, 2, 3]) expect(await walk(`sort=${sort}`, limit)).toEqual(all);
    },
  );

  test("goes on behind an endpoint that was deleted in between", async () => {
    const gone = await create("Going");
    const all = (await list("sort=name")).map(({ id }) => id);
    const limit = all.indexOf(gone) + 1;
    const { body } = await api.ask("GET", `/v1/endpoints?sort=name&limit=${limit}`);
    await api.ask("DELETE", `/v1/endpoints/${gone}`);
    const cursor = String(body["next_cursor"]);
    const behind = await list(`sort=name&cursor=${cursor}`);
    expect(behind.map(({ id }) => id)).toEqual(all.slice(limit));
  });

  test("is found by status and by text, in whatever case, with signs as they are", async () => {
    expect(await names("status=failing")).toEqual(["Broken"]);
    expect(await names("status=paused&sort=worst")).toEqual(["Paused"]);
    expect(await names("q=ING&sort=name")).toEqual(["Dying", "Failing", "Waiting"]);
    expect(await names("q=quiet.example")).toEqual(["Quiet"]);
    expect(await names("q=%25")).toEqual([]);
    expect(await names("q=_")).toEqual([]);
  });

  test("has figures when asked, of its own account alone", async () => {
    expect((await list(""))[0]).not.toHaveProperty("figures");
    const found = await list("figures=true&sort=worst");
    const of = (name: string) => found.find((one) => one.description === name)!.figures;
    expect(of("Waiting")).toMatchObject({ pending: { count: 3, more: false }, success_rate: null });
    expect(of("Dying")).toMatchObject({ dead_letters: { count: 1, more: false } });
    const [theirs] = await list("figures=true", other);
    expect(theirs).toMatchObject({ description: "Of others", figures: { pending: { count: 0 } } });
  });

  test("tells of the last day, and when something last arrived", async () => {
    const id = parseId("endpoint", waiting)!;
    const counts = (delivered: number, dead: number): string => {
      const row = new Array<number>(STATS_WIDTH).fill(0);
      row[counterSlot("deliveries.delivered")] = delivered;
      row[counterSlot("deliveries.dead")] = dead;
      row[durationSlot("response", 100)] = delivered + dead;
      return `{${row.join(",")}}`;
    };
    const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    const add = async (stepS: number, at: number, row: string): Promise<unknown> =>
      await sql("insert into stats values ($1, $2, $3, $4, $5, $6)", [
        ...[api.accountId, stepS, new Date(at), id, newId(), row],
      ]);
    // two processes, and a day before yesterday that doesn't count
    await add(3_600, hour - 3_600_000, counts(3, 1));
    await add(3_600, hour - 3_600_000, counts(3, 0));
    await add(3_600, hour, counts(0, 1));
    await add(3_600, hour - 50 * 3_600_000, counts(0, 90));
    const last = new Date(hour - 420_000);
    await sql(
      `update lanes set last_success_at = $2 from endpoints e where e.lane_id = lanes.id and e.id = $1`,
      [id, last],
    );
    const [found] = await list("figures=true&q=waiting");
    expect(found!.health.last_success_at).toBe(last.toISOString());
    expect(found!.figures).toMatchObject({ delivered: 6, dead: 2, success_rate: 0.75 });
    expect(found!.figures!["response_p90_ms"]).toBeGreaterThan(70);
  });

  test("refuses what it doesn't know, and cursors of another order", async () => {
    for (const query of ["sort=best", "status=open", "q=", `q=${"x".repeat(201)}`, "figures=yes"]) {
      const { status, body } = await api.ask("GET", `/v1/endpoints?${query}`);
      expect([query, status, body["code"]]).toEqual([query, 400, "query_invalid"]);
    }
    const { body } = await api.ask("GET", "/v1/endpoints?sort=name&limit=1");
    const crossed = await api.ask(
      "GET",
      `/v1/endpoints?sort=worst&cursor=${String(body["next_cursor"])}`,
    );
    expect(crossed.body["code"]).toBe("cursor_invalid");
  });

  test("takes well under a second with 10,000 endpoints", async () => {
    await sql(
      `with made as (
         insert into endpoints (id, account_id, lane_id, url, description, events, ordered,
           max_in_flight, timeout_s, retry)
         select gen_random_uuid(), $1, gen_random_uuid(), 'https://many.example/' || g, 'Many ' || g,
           '{none}', false, 10, 30, (select retry from endpoints limit 1) from generate_series(1, 10000) g returning id, lane_id)
       insert into lanes (id, account_id, endpoint_id, ordered, breaker_failures)
       select lane_id, $1, id, false, 0 from made`,
      [api.accountId],
    );
    await sql("analyze");
    for (const query of [
      "sort=worst&figures=true",
      "sort=name&limit=200&figures=true",
      "q=many%209999",
    ]) {
      const begun = performance.now();
      expect((await list(query)).length).toBeGreaterThan(0);
      expect([query, performance.now() - begun < 1_500]).toEqual([query, true]);
    }
    expect((await list("sort=worst&limit=1"))[0]!.description).toBe("Broken");
  }, 60_000);
});
