import { uuidAt } from "../../src/core/ids.ts";
import { withinYears } from "../../src/core/times.ts";
import { description, startApi, type TestApi } from "./api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ worker: false });
  await api.ask("POST", "/v1/jobs", { body: { type: "demo.echo", input: 1 } });
});
afterAll(async () => {
  await api.stop();
});

interface Schema {
  format?: string;
  properties?: Record<string, Schema>;
  $ref?: string;
}
interface Operation {
  parameters?: { in: string; name: string; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

const { paths, components } = description() as unknown as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
};

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : components.schemas[schema.$ref.split("/").at(-1)!]!;
}

/** Where a body takes times, as paths of names. */
function timesIn(given: Schema): string[][] {
  const schema = resolved(given);
  if (schema.format === "date-time") return [[]];
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    timesIn(property).map((rest) => [name, ...rest]),
  );
}

/** Everything in the API that takes a time. */
const INPUTS = Object.entries(paths).flatMap(([path, operations]) =>
  Object.entries(operations).flatMap(([method, { parameters = [], requestBody }]) => {
    const query = parameters
      .filter((one) => one.in === "query" && resolved(one.schema).format === "date-time")
      .map(({ name }) => ({ method, path, name, at: null as string[] | null }));
    const body = requestBody?.content["application/json"]?.schema ?? {};
    return [...query, ...timesIn(body).map((at) => ({ method, path, name: at.join("/"), at }))];
  }),
);

test("times are taken by the lists, groups, charts and replays", () => {
  const names = INPUTS.map(({ method, path, name }) => `${method} ${path} ${name}`);
  expect(names.sort()).toEqual(
    [
      ...[
        "jobs",
        "deliveries",
        "dead-letters",
        "dead-letters/groups",
        "stats",
        "audit-events",
        "audit-events/export",
      ].flatMap((list) => [`get /v1/${list} since`, `get /v1/${list} until`]),
      "post /v1/replays filter/since",
      "post /v1/replays filter/until",
      "post /v1/replays start_at",
    ].sort(),
  );
});

const VALID = [
  ...["1970-01-01T00:00:00Z", "1970-01-01T00:09:59.999Z", "1969-12-31T23:59:59Z"],
  ...["0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+14:00"],
  ...["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-14:00", "5000-06-01T00:00:00Z"],
  ...["1582-10-10T00:00:00Z", "1883-11-18T12:03:58-05:00", "2024-02-29T12:00:00.1Z"],
];
const INVALID = [
  ...["+275760-09-13T00:00:00Z", "-271821-04-20T00:00:00Z", "10000-01-01T00:00:00Z"],
  ...["2025-02-29T00:00:00Z", "2016-12-31T23:59:60Z", "2026-01-01T24:00:00Z", "2026-01-01"],
  ...["0", "1e400", "now", "", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "infinity"],
];

describe.each(INPUTS)("M4: $name of $method $path", ({ method, path, name, at }) => {
  async function ask(value: string) {
    if (at === null) {
      const by = path.endsWith("/groups") ? "by=reason&" : "";
      return await api.ask(method, `${path}?${by}${name}=${encodeURIComponent(value)}`);
    }
    const part = at.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object;
    return await api.ask(method, path, { body: { dry_run: true, filter: {}, ...part } });
  }

  test.each(VALID)("%s", async (value) => {
    const { status, body } = await ask(value);
    // charts have a bound on their points
    if (path === "/v1/stats" && name === "since") expect([200, 400]).toContain(status);
    else expect({ status, body }).toMatchObject({ status: at === null ? 200 : 202 });
    if (path !== "/v1/jobs") return;
    const year = withinYears(Date.parse(value)).getUTCFullYear();
    expect(body["data"]).toHaveLength((name === "since" ? year < 2026 : year > 2026) ? 1 : 0);
  });

  test.each(INVALID)("%j is refused", async (value) => {
    const { status, body } = await ask(value);
    expect({ status, code: body["code"] }).toEqual(
      at === null
        ? { status: 400, code: "query_invalid" }
        : { status: 422, code: "validation_failed" },
    );
  });
});

test("M4: the bounds of ids stay UUIDs", () => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-0000-0000-000000000000$/;
  for (const at of [-8.64e15, -1, 0, 1, 2 ** 48 - 1, 2 ** 48, 8.64e15]) {
    expect(uuidAt(new Date(at))).toMatch(uuid);
  }
  expect(uuidAt(new Date(-600_000))).toBe("00000000-0000-0000-0000-000000000000");
  expect(uuidAt(new Date(8.64e15))).toBe("ffffffff-ffff-0000-0000-000000000000");
});
