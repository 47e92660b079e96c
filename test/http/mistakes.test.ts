import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { z } from "zod";
import { PROBLEMS, Problem } from "../../src/core/problem.ts";
import type { ProblemDetail } from "../../src/core/problem.ts";
import { parseParameters, parseWith } from "../../src/http/validation.ts";
import { allRoutes, startApi } from "./api.ts";
import type { TestApi } from "./api.ts";

/** What zod itself would say. */
const ZODS_WORDS = /invalid|expected|received|too (small|big)|unrecognized|nan|undefined|>=|<=/i;

const VALUES: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e12,
  "",
  "x",
  "ü".repeat(3_000),
  [],
  [1],
  ["x", "x"],
  Array.from({ length: 2_000 }, () => "x"),
  {},
  { x: 1 },
  { "": [null] },
];

async function faultsOf(work: () => unknown): Promise<ProblemDetail[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [{ detail: error.message }, ...error.errors];
  }
}

/** Objects with one field wrong, at any depth. */
function* mistakesIn(schema: unknown): Generator<Record<string, unknown>> {
  yield {};
  yield { no_such_field: 1 };
  if (!(schema instanceof z.ZodObject)) return;
  for (const [name, field] of Object.entries<unknown>(schema.shape)) {
    for (const value of VALUES) yield { [name]: value };
    yield { [`${name}x`]: 1 };
    const inner = innerOf(field);
    if (inner === null) continue;
    for (const value of mistakesIn(inner.schema)) yield { [name]: inner.wrap(value) };
  }
}

function innerOf(field: unknown): { schema: z.ZodObject; wrap(value: unknown): unknown } | null {
  if (field instanceof z.ZodObject) return { schema: field, wrap: (value) => value };
  if (field instanceof z.ZodArray) {
    const inner = innerOf(field.element);
    return inner && { schema: inner.schema, wrap: (value) => [inner.wrap(value)] };
  }
  const { innerType } = (field as { def: { innerType?: unknown } }).def;
  return innerType === undefined ? null : innerOf(innerType);
}

describe("what a caller is told of mistakes", () => {
  test("has no word of the library that found them", async () => {
    const told = new Set<string>();
    for (const { body, query } of allRoutes) {
      for (const wrong of [...VALUES, ...mistakesIn(body)]) {
        if (body === null) continue;
        const faults = await faultsOf(() => parseWith(body, wrong, "validation_failed"));
        for (const { detail } of faults) told.add(detail);
      }
      for (const wrong of mistakesIn(query)) {
        const faults = await faultsOf(
          () => query && parseParameters(query, wrong, "query_invalid"),
        );
        for (const { detail } of faults) told.add(detail);
      }
    }
    expect(told.size).toBeGreaterThan(100);
    expect([...told].filter((text) => ZODS_WORDS.test(text))).toEqual([]);
    expect([...told].filter((text) => text.trim() === "" || /\[object/.test(text))).toEqual([]);
  });

  test.each([
    [z.strictObject({ name: z.string() }), {}, "/name: is required"],
    [z.strictObject({ name: z.string() }), { name: 1 }, "/name: must be a string, not a number"],
    [z.strictObject({ n: z.int().min(1) }), { n: 0 }, "/n: must be at least 1"],
    [z.strictObject({ n: z.int() }), { n: 1.5 }, "/n: must be a whole number, not 1.5"],
    [z.strictObject({ n: z.number().gt(0) }), { n: 0 }, "/n: must be above 0"],
    [z.strictObject({ s: z.string().min(1) }), { s: "" }, "/s: must have at least 1 character"],
    [
      z.strictObject({ a: z.array(z.int()).max(1) }),
      { a: [1, 2] },
      "/a: must have at most 1 entry",
    ],
    [
      z.strictObject({ s: z.enum(["paused", "active"]) }),
      { s: "pausd" },
      "/s: must be one of paused, active. Did you mean paused?",
    ],
    [
      z.strictObject({ callbacks: z.int().optional() }),
      { callback: 1 },
      "/callback: is not a known field. Did you mean callbacks?",
    ],
    [z.strictObject({ a: z.int() }), [], "The value: must be an object, not an array"],
  ])("is a plain sentence", async (schema, value, detail) => {
    const [first] = await faultsOf(() => parseWith<z.ZodType>(schema, value, "validation_failed"));
    expect(first!.detail).toContain(detail);
  });
});

describe("over HTTP", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi({ worker: false });
  });
  afterAll(async () => await api?.stop());

  test.each([
    ["/v1/job", "/v1/jobs"],
    ["/jobs", "/v1/jobs"],
    ["/v1/endpoint", "/v1/endpoints"],
    ["/v1/jobs/job_01/results", "/v1/jobs/job_01/result"],
    ["/v1/dead_letters", "/v1/dead-letters"],
  ])("%s leads to %s", async (path, meant) => {
    const { status, body } = await api.ask("GET", path);
    expect([status, body["detail"]]).toEqual([
      404,
      `There is nothing at ${path}. Did you mean ${meant}?`,
    ]);
  });

  test("a path that is like none gets no hint, however long it is", async () => {
    for (const path of [
      "/nothing/of/the/kind",
      `/${"a".repeat(5_000)}`,
      `/v1${"/x".repeat(2_000)}`,
    ]) {
      const { status, body } = await api.ask("GET", path);
      expect([status, body["detail"]]).toEqual([404, `There is nothing at ${path}.`]);
    }
  });

  test("a job type and an event that are nearly right are named", async () => {
    const submit = async (body: object) => (await api.ask("POST", "/v1/jobs", { body })).body;
    expect((await submit({ type: "csv.sumary", input: {} }))["detail"]).toBe(
      'There is no job type "csv.sumary". Did you mean csv.summary?',
    );
    const callbacks = [{ url: "https://example.com/", events: ["job.complete"] }];
    const wrong = await submit({ type: "demo.echo", input: {}, callbacks });
    expect(wrong["detail"]).toContain("Did you mean job.completed?");
  });

  test("a key in another header is named as the mistake", async () => {
    const ask = { key: null, headers: { "x-api-key": api.apiKey } };
    const { status, body, text } = await api.ask("GET", "/v1/jobs", ask);
    expect([status, body["detail"]]).toEqual([
      401,
      "The header x-api-key is not read. Send authorization: Bearer rk_…",
    ]);
    expect(text).not.toContain(api.apiKey);
  });

  test("a missing scope is named once", async () => {
    const key = await api.addKey(api.accountId, ["jobs"]);
    const detail = async (path: string) => (await api.ask("GET", path, { key })).body["detail"];
    expect(await detail("/v1/api-keys")).toBe(
      "This needs an API key with scope admin:read or admin.",
    );
    expect(await detail("/v1/endpoints")).toBe(
      "This needs an API key with scope webhooks:read, webhooks, admin:read or admin.",
    );
    expect(await detail("/v1/workers")).toBe("This needs an API key with scope operator.");
  });

  test("plain http to a public name is refused at once, and the setting named", async () => {
    for (const [method, path, body] of [
      ["POST", "/v1/jobs", { type: "demo.echo", input: 1, callback_url: "http://example.com/" }],
      ["POST", "/v1/endpoints", { url: "http://example.com/" }],
    ] as const) {
      const answer = await api.ask(method, path, { body });
      expect([answer.status, answer.body["code"]]).toEqual([422, "target_blocked"]);
      expect(answer.body["detail"]).toContain("must use https: RINGBACK_ALLOW_TARGETS");
    }
  });

  test("each problem says what it means and what to do", async () => {
    for (const code of Object.keys(PROBLEMS)) {
      const { body } = await api.ask("GET", `/problems/${code}`, { key: null });
      expect(body["help"]).toMatch(/^[A-Z`].{20,}\.$/);
      expect(body["help"]).not.toBe(body["title"]);
    }
    const { body } = await api.ask("GET", "/problems/not_fond", { key: null });
    expect(body["detail"]).toContain("Did you mean not_found?");
  });
});
