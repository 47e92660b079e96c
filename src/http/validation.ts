import { z } from "zod";
import { jsonPointer } from "../core/json-pointer.ts";
import { issueText } from "./issue-text.ts";
import { Problem, type ProblemCode, type ProblemDetail } from "../core/problem.ts";
import { MAX_METADATA_BYTES } from "./schemas/common.ts";

type Issue = z.core.$ZodIssue;

const MAX_ERRORS = 50;

/** The faults that zod found, one entry per path. `prefix` stands before each path. */
function issueDetails(
  issues: readonly Issue[],
  prefix: readonly PropertyKey[] = [],
): (ProblemDetail & { path: PropertyKey[] })[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      const texts = issue.message.split("\n");
      return issue.keys.map((key, index) => entry([...path, key], texts[index]!));
    }
    return [entry(path, issue.code === "invalid_union" ? unionDetail(issue) : issue.message)];
  });
}

function entry(path: PropertyKey[], detail: string): ProblemDetail & { path: PropertyKey[] } {
  return { path, pointer: jsonPointer(path), detail };
}

/** The detail by the form with the fewest faults, most likely the one that was meant. */
function unionDetail(issue: z.core.$ZodIssueInvalidUnion): string {
  const forms = [...issue.errors].sort((a, b) => a.length - b.length);
  const [closest] = forms;
  if (closest === undefined) return issue.message;
  const faults = issueDetails(closest).map(({ pointer, detail }) =>
    pointer === "" ? detail : `${pointer}: ${detail}`,
  );
  return `fits none of ${forms.length} allowed forms; the closest would need: ${faults.join("; ")}`;
}

/**
 * Parses by a schema, whose refinements may be asynchronous.
 * @throws Problem `code`, with a pointer per fault
 */
export async function parseWith<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  code: ProblemCode,
  prefix: readonly PropertyKey[] = [],
): Promise<z.output<Schema>> {
  const result = await safeParse(schema, value);
  if (result.success) return result.data;
  const errors = issueDetails(result.error.issues, prefix)
    .slice(0, MAX_ERRORS)
    .map(({ pointer, detail }) => ({ pointer: pointer ?? "", detail }));
  throw new Problem(code, summary(errors.map((e) => ({ where: e.pointer, detail: e.detail }))), {
    errors,
  });
}

async function safeParse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Promise<z.ZodSafeParseResult<z.output<Schema>>> {
  try {
    return schema.safeParse(value, { error: issueText });
  } catch (error) {
    if (!(error instanceof z.core.$ZodAsyncError)) throw error;
    return await schema.safeParseAsync(value, { error: issueText });
  }
}

/**
 * Parses parameters of the path or the query.
 * @throws Problem `code`, naming each wrong parameter
 */
export function parseParameters(
  schema: z.ZodObject,
  values: Record<string, unknown>,
  code: ProblemCode,
): unknown {
  const result = schema.safeParse(values, { error: issueText });
  if (result.success) return result.data;
  const errors = issueDetails(result.error.issues).map(({ path, detail }) => ({
    parameter: String(path[0] ?? ""),
    detail: detail.replace(/^is not a known field\b/, "is not a known parameter"),
  }));
  throw new Problem(
    code,
    summary(errors.map(({ parameter, detail }) => ({ where: parameter, detail }))),
    { errors },
  );
}

function summary(faults: { where: string; detail: string }[]): string {
  const [first] = faults;
  if (first === undefined) return "The request is invalid.";
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  return `${first.where === "" ? "The value" : first.where}: ${first.detail}${more}`;
}

/** A fault found by a rule rather than by a schema. */
export interface Fault {
  code: ProblemCode;
  path: readonly PropertyKey[];
  detail: string;
}

/** @throws Problem with the code of the first fault and the pointers of all, if there are any */
export function refuseFaults(faults: readonly Fault[]): void {
  const [first] = faults;
  if (first === undefined) return;
  const errors = faults
    .slice(0, MAX_ERRORS)
    .map(({ path, detail }) => ({ pointer: jsonPointer(path), detail }));
  throw new Problem(
    first.code,
    summary(errors.map(({ pointer, detail }) => ({ where: pointer, detail }))),
    { errors },
  );
}

/** @throws Problem `validation_failed`: the JSON text is too long */
export function checkMetadata(text: string): void {
  if (Buffer.byteLength(text) <= MAX_METADATA_BYTES) return;
  const detail = `must be at most ${MAX_METADATA_BYTES} bytes of JSON`;
  refuseFaults([{ code: "validation_failed", path: ["metadata"], detail }]);
}
