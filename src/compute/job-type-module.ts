import { createRequire } from "node:module";
import { isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { JobType } from "../core/job-type.ts";

/** The specifier to import for a module given as a file URL, a path or a package name. */
export function resolveModule(module: string): string {
  if (module.startsWith("file:")) return module;
  if (isAbsolute(module) || /^\.{1,2}[\\/]/.test(module))
    return pathToFileURL(resolve(module)).href;
  try {
    const require = createRequire(join(process.cwd(), "package.json"));
    return pathToFileURL(require.resolve(module)).href;
  } catch {
    // A package without an entry for require(): found from here if it is installed beside us.
    return module;
  }
}

/**
 * The job types among the exports of a module, each once.
 * @throws Error when an export looks like a job type and is not one.
 */
export function jobTypesIn(exports: Record<string, unknown>): JobType[] {
  const found = new Set<JobType>();
  for (const [name, value] of Object.entries(exports)) {
    for (const candidate of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (!looksLikeJobType(candidate)) continue;
      assertJobType(candidate, name);
      found.add(candidate);
    }
  }
  return [...found];
}

// Not `instanceof` and no hidden mark: the module may have come with a copy of this package.
function looksLikeJobType(value: unknown): value is Partial<Record<keyof JobType, unknown>> {
  return (
    typeof value === "object" &&
    value !== null &&
    "run" in value &&
    typeof value.run === "function" &&
    "name" in value &&
    typeof value.name === "string"
  );
}

function assertJobType(
  value: Partial<Record<keyof JobType, unknown>>,
  exportName: string,
): asserts value is JobType {
  const wrong =
    (!isSchema(value.input) && "input is not a zod schema") ||
    (!isSchema(value.result) && "result is not a zod schema") ||
    (!isPositive(value.timeoutSeconds) && "timeoutSeconds is not a positive number") ||
    (!(isPositive(value.maxRuns) && Number.isInteger(value.maxRuns)) &&
      "maxRuns is not a positive integer");
  if (wrong) throw new Error(`export ${exportName}: ${wrong} (use defineJobType)`);
}

function isSchema(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "_zod" in value &&
    "safeParseAsync" in value &&
    typeof value.safeParseAsync === "function"
  );
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
