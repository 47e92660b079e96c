import { z } from "zod";
import { formatId, ID_PREFIXES, parseId, type IdKind } from "../../core/ids.ts";
import { RESERVED_PREFIXES } from "../../core/event-names.ts";
import { withinYears } from "../../core/times.ts";

// Any UUIDv7 makes a presentable example.
const EXAMPLE_UUID = "0199f6a2-7c1e-7b53-9d0c-4c1f3a5e8b27";

export function exampleId(kind: IdKind): string {
  return formatId(kind, EXAMPLE_UUID);
}

/** An id in a request: a TypeID of this kind, passed on as plain UUID. */
export function idParam(kind: IdKind) {
  const prefix = ID_PREFIXES[kind];
  return z
    .string()
    .transform((text, context) => {
      const id = parseId(kind, text);
      if (id !== null) return id;
      context.addIssue({ code: "custom", message: `must be an id of the form ${prefix}_…` });
      return z.NEVER;
    })
    .meta({ description: `A \`${prefix}_…\` id`, example: exampleId(kind) });
}

/** An id in an answer. */
export function idText(kind: IdKind) {
  return z
    .string()
    .regex(new RegExp(`^${ID_PREFIXES[kind]}_[0-7][0-9a-hjkmnp-tv-z]{25}$`))
    .meta({ example: exampleId(kind) });
}

/** The path parameter of a route about one object. */
export function idPath(kind: IdKind) {
  return z.strictObject({ id: idParam(kind) });
}

export const timeText = z.iso.datetime().meta({ example: "2026-11-21T10:15:30.000Z" });

/** A time in a request, with any offset; clamped to the years 1 to 9999. */
export const timeParam = z.iso
  // abort: refinements of the object around it get a Date or don't run
  .datetime({
    offset: true,
    abort: true,
    error: "must be an ISO 8601 time with Z or an offset",
  })
  .transform((text) => withinYears(Date.parse(text)))
  .meta({ example: "2026-11-21T00:00:00Z" });

export const jsonObject = z.record(z.string(), z.unknown());

/** The form of an event type. */
export const eventTypeText = z
  .string()
  .regex(/^[a-zA-Z0-9_.:-]{1,100}$/, "must be 1 to 100 characters of A-Z a-z 0-9 _ . : -")
  .meta({ example: "job.completed" });

/** The most values of one filter. */
const MAX_VALUES = 20;

/** A filter by one value or several: `a,b`, or the parameter repeated. */
export function listParam<Item extends z.ZodType>(item: Item, description = "") {
  const { type, enum: values, pattern } = z.toJSONSchema(item, { io: "input" });
  const one = { type, ...(values && { enum: values }), ...(pattern && { pattern }) } as {
    type: "string";
  };
  const split = (given: unknown): unknown =>
    typeof given === "string" ? given.split(",") : Array.isArray(given) ? given : [given];
  return z
    .preprocess(split, z.array(item).min(1).max(MAX_VALUES, `at most ${MAX_VALUES} values`))
    .optional()
    .meta({
      description: [description, "One value, or several with commas between them"]
        .filter((text) => text !== "")
        .join(". "),
      override({ jsonSchema }) {
        for (const key of ["type", "items", "minItems", "maxItems"])
          delete jsonSchema[key as "type"];
        jsonSchema.anyOf = [one, { type: "array", items: one, maxItems: MAX_VALUES }];
      },
      param: { style: "form", explode: false },
    });
}

/** Of these values, those that are chosen and not excluded. Undefined: whatever it is. */
export function chosenOf<Value extends string>(
  all: readonly Value[],
  chosen: readonly Value[] | undefined,
  excluded: readonly Value[] | undefined,
): Value[] | undefined {
  if (chosen === undefined && excluded === undefined) return undefined;
  return (chosen ?? all).filter((value) => excluded?.includes(value) !== true);
}

/** Event types in a request: some of them, or none of them. */
export const typesParam = z
  .string()
  .regex(
    new RegExp(`^!?[a-zA-Z0-9_.:-]{1,100}(,[a-zA-Z0-9_.:-]{1,100}){0,${MAX_VALUES - 1}}$`),
    `must be 1 to ${MAX_VALUES} event types with commas between, or ! and the ones to leave out`,
  )
  .transform((text) => {
    const not = text.startsWith("!");
    return { not, values: [...new Set((not ? text.slice(1) : text).split(","))] };
  })
  .meta({
    description: "One event type, or several with commas between; `!` before the first: all others",
    example: "invoice.paid,invoice.voided",
  });

/** A pair of metadata in a request: `name=value`. */
export const metadataParam = z
  .string()
  .max(301)
  .regex(/^[^=]{1,100}=.{1,200}$/su, "must be name=value")
  .transform((text) => {
    const at = text.indexOf("=");
    return { name: text.slice(0, at), value: text.slice(at + 1) };
  })
  .meta({
    description:
      "With this pair in its metadata: a text, number, `true` or `false`, as a whole, of the first 20 members. A page may be shorter than `limit` and yet lead on",
    example: "order=A-10019",
  });

/** The longest metadata, in bytes of its text. */
export const MAX_METADATA_BYTES = 16_384;

const MAX_PAGE = 200;

/** The query parameters of every list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50).meta({
    description: "Longest page; it ends earlier when it takes more than 1 MiB",
    example: 50,
  }),
  cursor: z.string().max(200).optional().meta({ description: "`next_cursor` of the page before" }),
};

/** Bounds of `created_at`, half-open. */
export const timeRangeQuery = {
  since: timeParam.optional().meta({ description: "Created at this time or later" }),
  until: timeParam.optional().meta({ description: "Created before this time" }),
};

export const cappedCount = z
  .strictObject({
    count: z.int(),
    more: z.boolean().meta({ description: "There are more: counting stops at 10,000" }),
  })
  .meta({ id: "CappedCount", example: { count: 42, more: false } });

/** A page of a list, newest first. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    data: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: "Give it as `cursor` for the next page; null on the last one" }),
  });
}

export const eventsText = `Empty: all but \`job.progress\`, which is sent where it is named. Names that begin with ${RESERVED_PREFIXES.join(" or ")} are Ringback's own.`;

type Shape = Record<string, z.ZodType>;

/** The fields of a shape; fields with a default are optional. */
export function withDefaults<S extends Shape, D extends { [Name in keyof S]?: z.input<S[Name]> }>(
  shape: S,
  defaults: D,
): { [Name in keyof S]: Name extends keyof D ? z.ZodDefault<S[Name]> : S[Name] } {
  const entries = Object.entries(shape).map(([name, schema]) => {
    const value = defaults[name as keyof D];
    return [name, value === undefined ? schema : schema.default(value)];
  });
  return Object.fromEntries(entries) as never;
}

/** The fields of a shape, all optional; undefined is no value. */
export function allOptional<S extends Shape>(
  shape: S,
): { [Name in keyof S]: z.ZodExactOptional<S[Name]> } {
  const entries = Object.entries(shape).map(([name, schema]) => [name, schema.exactOptional()]);
  return Object.fromEntries(entries) as never;
}
