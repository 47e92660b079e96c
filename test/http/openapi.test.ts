import { Validator } from "@seriousme/openapi-schema-validator";
import { JOB_EVENTS } from "../../src/core/model.ts";
import { PROBLEMS } from "../../src/core/problem.ts";
import { problemsOf } from "../../src/http/openapi/openapi.ts";
import { jobEventBody } from "../../src/core/events.ts";
import { jobEventSchemas } from "../../src/http/schemas/events.ts";
import { allRoutes, description } from "./api.ts";

const document = description() as unknown as Record<string, unknown>;

test("the description is valid OpenAPI 3.1", async () => {
  const result = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  expect(result.errors ?? []).toEqual([]);
  expect(result.valid).toBe(true);
});

test("every route is described, under an operation id of its own", () => {
  const paths = document["paths"] as Record<string, Record<string, { operationId: string }>>;
  const described = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method} ${path}`),
  );
  expect(described.sort()).toEqual(allRoutes.map((r) => `${r.method} ${r.path}`).sort());
  const ids = allRoutes.map((r) => r.operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

test("the events of jobs are described for callbacks and for endpoints", () => {
  const webhooks = document["webhooks"] as Record<string, unknown>;
  expect(Object.keys(webhooks)).toEqual([...JOB_EVENTS, "endpoint.test", "operational", "message"]);
  const paths = document["paths"] as Record<string, Record<string, { callbacks?: object }>>;
  const callbacks = paths["/v1/jobs"]?.["post"]?.callbacks ?? {};
  expect(Object.keys(callbacks)).toEqual([...JOB_EVENTS]);
  expect(JSON.stringify(callbacks)).toContain("webhook-signature");
  expect(JSON.stringify(callbacks)).toContain("{$request.body#/callback_url}");
});

test("every problem of the catalogue is one that some route may answer", () => {
  const told = new Set(allRoutes.flatMap(problemsOf));
  // These have no route: they are about the path itself, or about signing in to the console.
  for (const code of ["path_invalid", "method_not_allowed", "sign_in_limited"]) {
    told.add(code as never);
  }
  expect(Object.keys(PROBLEMS).filter((code) => !told.has(code as never))).toEqual([]);
});

test("references lead somewhere, and examples fit their schemas", () => {
  const text = JSON.stringify(document);
  const schemas = (document["components"] as { schemas: Record<string, unknown> }).schemas;
  for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    expect(schemas).toHaveProperty(name ?? "");
  }
  for (const one of allRoutes) {
    for (const schema of [one.body, ...Object.values(one.responses).map((r) => r.schema)]) {
      const example = schema?.meta()?.["example"];
      if (example !== undefined) schema?.parse(example);
    }
  }
});

test.each([
  ["job.started", "running", {}],
  ["job.progress", "running", { progress: { fraction: 0.5, message: null, data: '{"n":1}' } }],
  ["job.completed", "completed", { result: '{"a":[1]}' }],
  ["job.completed", "completed", { result: JSON.stringify("x".repeat(100_000)) }],
  ["job.failed", "failed", { error: { code: "timeout", message: "too slow" } }],
  ["job.canceled", "canceled", { error: { code: "canceled", message: "" } }],
] as const)("the body of %s fits its schema", (event, status, extra) => {
  const at = new Date("2026-11-21T10:15:30.009Z");
  const body = jobEventBody(
    event,
    {
      jobId: "0199f6a2-7c1e-7b53-9d0c-4c1f3a5e8b27",
      jobType: "demo.echo",
      status,
      run: 1,
      metadata: '{"a":1}',
      createdAt: at,
      startedAt: at,
      finishedAt: status === "running" ? null : at,
      ...extra,
    },
    at,
    "http://ringback.test",
  );
  expect(jobEventSchemas.get(event)?.parse(JSON.parse(body))).toMatchObject({ type: event });
});
