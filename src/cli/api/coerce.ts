import { parseExactly } from "../../core/json-text.ts";

type Schema = Record<string, unknown>;

/** A text as the input schema of a job type wants the field; text where it may be text, or fits nothing. */
export function coerceField(text: string, schema: Schema, field: string): unknown {
  const { properties } = schema as { properties?: Record<string, Schema> };
  return properties !== undefined && Object.hasOwn(properties, field)
    ? coerce(text, properties[field]!)
    : text;
}

function coerce(text: string, schema: Schema): unknown {
  const types = typesOf(schema);
  if (types.includes("string") || types.length === 0) return text;
  const isNumber = types.includes("number") || types.includes("integer");
  if (isNumber && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) {
    return parseExactly(text);
  }
  if (types.includes("boolean") && /^(?:true|false)$/.test(text)) return text === "true";
  if (types.includes("null") && text === "null") return null;
  if (types.includes("array") && !text.startsWith("[")) {
    const { items = {} } = schema as { items?: Schema };
    return text.split(",").map((part) => coerce(part.trim(), items));
  }
  return /^[[{]/.test(text) ? (jsonIn(text) ?? text) : text;
}

function typesOf({ type, anyOf, oneOf, enum: values, const: value }: Schema): string[] {
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type as string[];
  const forms = (anyOf ?? oneOf) as Schema[] | undefined;
  if (forms !== undefined) return forms.flatMap(typesOf);
  return [...((values ?? []) as unknown[]), value].flatMap((one) =>
    one === undefined ? [] : [typeof one],
  );
}

function jsonIn(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}
