import { parseId } from "../../src/core/ids.ts";
import { MAX_PAGE_BYTES } from "../../src/http/views/page.ts";
import { SHOWN_ATTEMPTS } from "../../src/http/schemas/delivery.ts";
import { startApi, type TestApi } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ worker: false });
});
afterAll(async () => {
  await api.stop();
});

interface Attempts {
  number: number;
}

/** A delivery, with so many attempts whose answers had so many bytes. */
async function deliveryWith(attempts: number, bytes: number): Promise<string> {
  const endpoint = { url: "http://127.0.0.1:1/", events: ["own.long"] };
  const made = await api.ask("POST", "/v1/endpoints", { body: endpoint });
  const body = { type: "own.long", data: {} };
  const message = (await api.ask("POST", "/v1/messages", { body })).body;
  await api.ask("DELETE", `/v1/endpoints/${String(made.body["id"])}`);
  const [{ id }] = message["deliveries"] as [{ id: string }];
  const uuid = parseId("delivery", id);
  await api.database.pool.query(
    `insert into attempts (delivery_id, number, id, started_at, duration_ms, status_code,
       request_headers, response_headers, response_body, response_truncated, manual)
     select $1, n, gen_random_uuid(), now(), 1, 500, '{}', '{}',
       repeat(md5(n::text), $3 / 32), true, false
     from generate_series(1, $2::int) n`,
    [uuid, attempts, bytes],
  );
  await api.database.pool.query("update deliveries set attempt_count = $2 where id = $1", [
    uuid,
    attempts,
  ]);
  return id;
}

async function walk(path: string, cursor: string | null): Promise<{ pages: number[][] }> {
  const pages: number[][] = [];
  for (let next = cursor; next !== null;) {
    const { status, body, text } = await api.ask("GET", `${path}&cursor=${next}`);
    expect(status).toBe(200);
    expect(text.length).toBeLessThan(MAX_PAGE_BYTES + 1_000);
    pages.push((body["data"] as Attempts[]).map(({ number }) => number));
    next = body["next_cursor"] as string | null;
  }
  return { pages };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe("L2: attempts of a delivery", () => {
  test("4,000 of 16 KiB each: the last ones are shown, and pages lead to the first", async () => {
    const id = await deliveryWith(4_000, 16_384);
    const { body, text } = await api.ask("GET", `/v1/deliveries/${id}`);
    expect(text.length).toBeLessThan(MAX_PAGE_BYTES + 2_000);
    expect(body["attempt_count"]).toBe(4_000);
    const shown = (body["attempts"] as Attempts[]).map(({ number }) => number);
    expect(shown).toEqual(range(4_001 - SHOWN_ATTEMPTS, 4_000));

    const cursor = String(body["attempts_cursor"]);
    const { pages } = await walk(`/v1/deliveries/${id}/attempts?limit=200`, cursor);
    expect(pages.flat()).toEqual(range(1, 4_000 - SHOWN_ATTEMPTS).reverse());
    // as many as 1 MiB holds
    expect(pages[0]!.length).toBeGreaterThan(55);
    expect(pages[0]!.length).toBeLessThan(65);
  });

  test("those that escape badly are bounded by the bytes that are sent", async () => {
    const id = await deliveryWith(60, 0);
    const sql = "update attempts set response_body = $2 where delivery_id = $1";
    await api.database.pool.query(sql, [parseId("delivery", id), "\u0001".repeat(16_384)]);
    const { body, text } = await api.ask("GET", `/v1/deliveries/${id}`);
    expect(text.length).toBeLessThan(MAX_PAGE_BYTES + 2_000);
    const shown = (body["attempts"] as Attempts[]).map(({ number }) => number);
    expect(shown).toEqual(range(61 - shown.length, 60));
    expect(shown.length).toBeGreaterThan(8);
    const cursor = String(body["attempts_cursor"]);
    const { pages } = await walk(`/v1/deliveries/${id}/attempts?limit=50`, cursor);
    expect(pages.flat()).toEqual(range(1, 60 - shown.length).reverse());
  });

  test("few are all shown; the limit is kept, and a cursor fits its delivery only", async () => {
    const [few, other] = [await deliveryWith(SHOWN_ATTEMPTS, 64), await deliveryWith(3, 64)];
    const { body } = await api.ask("GET", `/v1/deliveries/${few}`);
    expect(body).toMatchObject({ attempts_cursor: null });
    expect(body["attempts"]).toHaveLength(SHOWN_ATTEMPTS);
    const page = await api.ask("GET", `/v1/deliveries/${few}/attempts?limit=7`);
    expect((page.body["data"] as Attempts[]).map(({ number }) => number)).toEqual(
      range(SHOWN_ATTEMPTS - 6, SHOWN_ATTEMPTS).reverse(),
    );
    const cursor = String(page.body["next_cursor"]);
    const wrong = await api.ask("GET", `/v1/deliveries/${other}/attempts?cursor=${cursor}`);
    expect(wrong).toMatchObject({ status: 400, body: { code: "cursor_invalid" } });
    const absent = other.slice(0, -1) + (other.endsWith("0") ? "1" : "0");
    expect((await api.ask("GET", `/v1/deliveries/${absent}/attempts`)).status).toBe(404);
  });
});

test("L2: a list of long jobs is cut into pages of 1 MiB", async () => {
  const metadata = { text: "x".repeat(16_000) };
  for (let n = 0; n < 80; n++) {
    await api.ask("POST", "/v1/jobs", { body: { type: "demo.echo", input: n, metadata } });
  }
  const inputs: unknown[] = [];
  let pages = 0;
  for (let query = "?limit=200"; query !== "";) {
    const { body, text } = await api.ask("GET", `/v1/jobs${query}`);
    expect(text.length).toBeLessThan(MAX_PAGE_BYTES + 1_000);
    inputs.push(...(body["data"] as { input: unknown }[]).map(({ input }) => input));
    pages += 1;
    const next = body["next_cursor"] as string | null;
    query = next === null ? "" : `?limit=200&cursor=${next}`;
  }
  expect(inputs).toEqual(range(0, 79).reverse());
  expect(pages).toBe(2);
});

test("L2: a list of replays leaves out long lists of ids", async () => {
  const id = await deliveryWith(1, 64);
  const create = async (count: number) => {
    const body = { dry_run: true, filter: { ids: Array(count).fill(id) as string[] } };
    return (await api.ask("POST", "/v1/replays", { body })).body;
  };
  const [long, short] = [await create(10_000), await create(2)];
  const { body } = await api.ask("GET", "/v1/replays");
  expect(body["data"]).toEqual([short, { ...long, filter: { status: "dead" } }]);
  const alone = await api.ask("GET", `/v1/replays/${String(long["id"])}`);
  expect(alone.body).toEqual(long);
});
