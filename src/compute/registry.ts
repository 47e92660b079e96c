import { z } from "zod";
import type { JobType } from "../core/job-type.ts";
import { builtInJobTypes } from "../job-types/index.ts";
import { errorMessage, firstLine } from "./json-text.ts";
import { jobTypesIn, resolveModule } from "./job-type-module.ts";

export interface JobTypeDescription {
  name: string;
  description: string | null;
  timeout_s: number;
  max_runs: number;
  /** JSON Schemas (2020-12). */
  input_schema: object;
  result_schema: object;
}

export interface JobTypeRegistry {
  get(name: string): JobType | undefined;
  names(): string[];
  describe(): JobTypeDescription[];
}

/**
 * Loads the built-in job types and those that the modules export: as default or by name, one by
 * one or in arrays.
 * @param modules file URLs, paths (relative ones from the working directory) or package names
 * @throws Error, one line that names the module and the reason
 */
export async function loadJobTypes(modules: string[]): Promise<JobTypeRegistry> {
  const types = new Map<string, { type: JobType; module: string }>();
  for (const type of builtInJobTypes) types.set(type.name, { type, module: "the built-in ones" });

  for (const module of modules) {
    for (const type of await loadModule(module)) {
      const other = types.get(type.name);
      if (other?.type === type) continue;
      if (other !== undefined) {
        throw loadError(module, `${type.name} is already defined by ${other.module}`);
      }
      types.set(type.name, { type, module });
    }
  }

  const descriptions = [...types.values()].map(({ type, module }) => describe(type, module));
  return {
    get: (name) => types.get(name)?.type,
    names: () => [...types.keys()],
    describe: () => descriptions,
  };
}

async function loadModule(module: string): Promise<JobType[]> {
  let found: JobType[];
  try {
    found = jobTypesIn(await import(resolveModule(module)));
  } catch (error) {
    throw loadError(module, firstLine(errorMessage(error)), error);
  }
  if (found.length === 0) throw loadError(module, "it exports no job type");
  return found;
}

function describe(type: JobType, module: string): JobTypeDescription {
  const schemaOf = (schema: z.ZodType, io: "input" | "output") => {
    try {
      return z.toJSONSchema(schema, { io, unrepresentable: "any" });
    } catch (error) {
      throw loadError(
        module,
        `the ${io} schema of ${type.name} has no JSON Schema: ${errorMessage(error)}`,
        error,
      );
    }
  };
  return {
    name: type.name,
    description: type.description ?? null,
    timeout_s: type.timeoutSeconds,
    max_runs: type.maxRuns,
    input_schema: schemaOf(type.input, "input"),
    result_schema: schemaOf(type.result, "output"),
  };
}

function loadError(module: string, reason: string, cause?: unknown): Error {
  return new Error(`cannot load job types from ${module}: ${reason}`, { cause });
}
