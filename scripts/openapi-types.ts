import { compile } from "json-schema-to-typescript";
import { format } from "prettier";

interface Schema {
  [keyword: string]: unknown;
}

interface Operation {
  parameters?: { in: string; name: string; required?: boolean; schema: Schema }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema }> };
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>;
}

interface OpenApi {
  paths?: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

/** What a type can't say, and what the description of a type needs not. */
const DROPPED = new Set(["example", "examples", "pattern", "format", "propertyNames", "default"]);

const BANNER = "// Made from the OpenAPI document by `npm run generate`. Do not edit.";

/**
 * The types of the API: one per schema, and `Operations`, which has what goes into and comes out
 * of each call under its method and path.
 */
export async function openApiTypes(document: object): Promise<string> {
  const { paths = {}, components = {} } = document as OpenApi;
  const operations: Record<string, Schema> = {};
  for (const [path, item] of Object.entries(paths)) {
    if (!path.startsWith("/v1/")) continue;
    for (const [method, operation] of Object.entries(item)) {
      operations[`${method.toUpperCase()} ${path}`] = operationType(operation);
    }
  }
  const text = await compile(
    {
      ...objectType(operations),
      $defs: mapValues(components.schemas ?? {}, simplified),
    },
    "Operations",
    {
      bannerComment: BANNER,
      additionalProperties: false,
      ignoreMinAndMaxItems: true,
      unreachableDefinitions: true,
      format: false,
    },
  );
  // its notes on where a type came from say nothing here
  const plain = text.replaceAll(
    /^ \*(?: This interface was referenced by .*\n \* via the .*| ?)\n/gm,
    "",
  );
  const short = plain
    .replaceAll(/\/\*\*\n \*\/\n/g, "")
    .replaceAll(/\/\*\*\n \* ([^\n]*)\n \*\//g, "/** $1 */");
  return await format(short, { parser: "typescript", printWidth: 100 });
}

function operationType({ parameters = [], requestBody, responses }: Operation): Schema {
  const query = parameters.filter((one) => one.in === "query");
  const body = bodySchema(requestBody?.content);
  return objectType({
    ...(query.length === 0 ? {} : { query: queryType(query) }),
    ...(body === undefined ? {} : { body: simplified(body) }),
    answer: answerType(responses),
  });
}

function queryType(parameters: NonNullable<Operation["parameters"]>): Schema {
  return {
    ...objectType(
      Object.fromEntries(parameters.map(({ name, schema }) => [name, simplified(schema)])),
    ),
    required: parameters.filter(({ required }) => required === true).map(({ name }) => name),
  };
}

/** The schema of a JSON body; of JSON Lines, of them all. */
function bodySchema(content: Operation["responses"][string]["content"]): Schema | undefined {
  const items = content?.["application/x-ndjson"]?.schema;
  if (items !== undefined) return { type: "array", items };
  return content?.["application/json"]?.schema;
}

/** What the statuses of success answer; the same schema in all of them. */
function answerType(responses: Operation["responses"]): Schema {
  for (const [status, { content }] of Object.entries(responses)) {
    const schema = bodySchema(content);
    if (status.startsWith("2") && schema !== undefined) return simplified(schema);
  }
  return { tsType: "undefined" };
}

function objectType(properties: Record<string, Schema>): Schema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

function simplified(schema: Schema): Schema {
  const { properties, $ref, ...rest } = schema;
  if (typeof $ref === "string") return { $ref: $ref.replace("#/components/schemas/", "#/$defs/") };
  const kept = Object.entries(rest).filter(([keyword]) => !DROPPED.has(keyword));
  const says = ["type", "const", "enum", "anyOf", "oneOf", "allOf"].some((word) => word in rest);
  return {
    ...(says ? {} : { tsType: "unknown" }),
    ...Object.fromEntries(kept.map(([keyword, value]) => [keyword, simplifiedPart(value)])),
    ...(properties === undefined
      ? {}
      : { properties: mapValues(properties as Record<string, Schema>, simplified) }),
  };
}

function simplifiedPart(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(simplifiedPart);
  return typeof value === "object" && value !== null ? simplified(value as Schema) : value;
}

function mapValues<In, Out>(object: Record<string, In>, map: (value: In) => Out) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}
