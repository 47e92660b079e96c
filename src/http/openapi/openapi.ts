import { z } from "zod";
import { createDocument, type ZodOpenApiObject, type ZodOpenApiOperationObject } from "zod-openapi";
import { PROBLEMS, type ProblemCode } from "../../core/problem.ts";
import { endpointWebhooks, jobCallbacks } from "./events.ts";
import { LINES_TYPE, MAX_LINES, MAX_LINES_BYTES } from "../lines.ts";
import { jsonText } from "../reply.ts";
import { route, type HeaderSpec, type Route } from "../route.ts";
import { problem } from "../schemas/problem.ts";

const COMMON_HEADERS: Record<string, HeaderSpec> = {
  "x-request-id": {
    description:
      "1 to 128 characters of A-Z a-z 0-9 . _ : - that name the request in answers, logs and webhooks; made when absent or malformed",
  },
};

const TRACE_HEADER: Record<string, HeaderSpec> = {
  traceparent: {
    description: "W3C Trace Context; webhooks go on with the trace",
    example: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  },
};

const IDEMPOTENCY_HEADER: Record<string, HeaderSpec> = {
  "idempotency-key": {
    description:
      "A quoted string (RFC 8941) of 1 to 255 ASCII characters, accepted without quotes too. The same key with the same body answers as the first time, for 24 hours.",
    example: '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
  },
};

const BODY_PROBLEMS: ProblemCode[] = [
  "body_not_json",
  "body_too_deep",
  "body_forbidden_text",
  "body_forbidden_key",
  "body_interrupted",
  "body_too_large",
  "content_type_unsupported",
  "content_encoding_unsupported",
  "validation_failed",
];
const KEY_PROBLEMS: ProblemCode[] = [
  "idempotency_key_invalid",
  "idempotency_key_reused",
  "idempotency_in_progress",
];
const CALLER_PROBLEMS: ProblemCode[] = [
  "unauthenticated",
  "scope_missing",
  "endpoint_bound",
  "account_suspended",
  "csrf_failed",
  "unavailable",
];

/** Describes the routes in OpenAPI 3.1, from the schemas that guard them. */
export function describeApi(
  routes: readonly Route[],
  options: { publicUrl: string; version: string },
): ReturnType<typeof createDocument> {
  const paths: NonNullable<ZodOpenApiObject["paths"]> = {};
  for (const one of routes) {
    (paths[one.path] ??= {})[one.method] = describeOperation(one);
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Ringback",
      version: options.version,
      description:
        "Submit a job, hang up, and be rung back with the signed result. Errors are `application/problem+json` (RFC 9457) with a stable `code`.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: options.publicUrl }],
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    webhooks: endpointWebhooks(),
    components: {
      securitySchemes: {
        apiKey: {
          type: "http",
          scheme: "bearer",
          description:
            "`authorization: Bearer rk_…`. Scopes: jobs:read, jobs, webhooks:read, webhooks, admin:read, admin, operator. jobs and webhooks imply their :read; admin:read implies both; admin implies all of these; operator is for what all accounts share.",
        },
      },
    },
  });
}

function describeOperation(one: Route): ZodOpenApiOperationObject {
  const headers = {
    ...one.headers,
    ...(one.idempotent === true ? IDEMPOTENCY_HEADER : {}),
    ...(one.method === "post" && one.scopes !== null ? TRACE_HEADER : {}),
    ...COMMON_HEADERS,
  };
  return {
    operationId: one.operationId,
    tags: [one.tag],
    summary: one.summary,
    ...(one.description === undefined ? {} : { description: one.description }),
    // Any one of the alternatives is enough.
    security: (one.scopes ?? []).map((scope) => ({ apiKey: [scope] })),
    requestParams: {
      ...(one.params === null ? {} : { path: one.params }),
      ...(one.query === null ? {} : { query: one.query }),
      header: z.object(mapValues(headers, requestHeader)),
    },
    ...describeBody(one),
    responses: { ...describeProblems(one), ...describeResponses(one) },
    ...(one.operationId === "submitJob" ? { callbacks: jobCallbacks() } : {}),
  };
}

function describeBody({
  body,
  bodyOptional,
  line,
}: Route): Pick<ZodOpenApiOperationObject, "requestBody"> {
  if (line !== undefined) {
    const description = `One JSON value on each line; ${MAX_LINES} lines and ${MAX_LINES_BYTES} bytes at most`;
    return {
      requestBody: { description, required: true, content: { [LINES_TYPE]: { schema: line } } },
    };
  }
  if (body === null) return {};
  return {
    requestBody: { required: !bodyOptional, content: { "application/json": { schema: body } } },
  };
}

function requestHeader({ description, example }: HeaderSpec): z.ZodType {
  return z
    .string()
    .optional()
    .meta({ description, ...(example === undefined ? {} : { example }) });
}

const REQUEST_ID_ECHO = {
  "x-request-id": "Names the request; quote it when you ask about it",
};

function responseHeaders(headers: Record<string, string>) {
  return mapValues({ ...headers, ...REQUEST_ID_ECHO }, (description) => ({
    description,
    schema: { type: "string" as const },
  }));
}

function describeResponses(one: Route): ZodOpenApiOperationObject["responses"] {
  return Object.fromEntries(
    Object.entries(one.responses).map(([status, response]) => [
      status,
      {
        description: response.description,
        headers: responseHeaders(response.headers ?? {}),
        ...(response.schema === undefined
          ? {}
          : {
              content: {
                [response.contentType ?? "application/json"]: { schema: response.schema },
              },
            }),
      },
    ]),
  );
}

/** Every problem a route may answer. */
export function problemsOf(one: Route): ProblemCode[] {
  return [
    ...one.problems,
    ...(one.body === null && one.line === undefined ? [] : BODY_PROBLEMS),
    ...(one.idempotent === true ? KEY_PROBLEMS : []),
    ...(one.scopes === null ? [] : CALLER_PROBLEMS),
    "internal",
  ];
}

function describeProblems(one: Route): ZodOpenApiOperationObject["responses"] {
  const byStatus = Map.groupBy(new Set(problemsOf(one)), (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join("; "),
        headers: responseHeaders({
          ...(status === 401 ? { "www-authenticate": "Bearer" } : {}),
          ...(status === 503 ? { "retry-after": "Seconds until another try" } : {}),
        }),
        content: { "application/problem+json": { schema: problem } },
      },
    ]),
  );
}

function mapValues<In, Out>(object: Record<string, In>, map: (value: In) => Out) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

/** `/openapi.json`, which describes the routes and itself. */
export function openApiRoute(routes: readonly Route[]): Route {
  let text: string | undefined;
  const self: Route = route({
    method: "get",
    path: "/openapi.json",
    scopes: null,
    operationId: "getOpenApi",
    tag: "System",
    summary: "This description",
    responses: {
      200: { description: "OpenAPI 3.1", schema: z.record(z.string(), z.unknown()) },
    },
    problems: [],
    async handler({ config: { publicUrl, version } }) {
      text ??= JSON.stringify(describeApi([...routes, self], { publicUrl, version }));
      return jsonText(200, text);
    },
  });
  return self;
}
