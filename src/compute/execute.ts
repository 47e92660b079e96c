import type { JobError, JobType, RunContext } from "../core/job-type.ts";
import type { RunFailure } from "../core/run-failures.ts";
import { cleanText, errorMessage, firstLine, toJsonText } from "./json-text.ts";
import type { ThreadOutcome, ThreadTask } from "./messages.ts";

const MAX_MESSAGE_LENGTH = 2_000;
const MAX_CODE_LENGTH = 100;
const MAX_ISSUES = 5;

export interface Execution {
  task: ThreadTask;
  type: JobType | undefined;
  context: Omit<RunContext<unknown>, "input" | "jobId" | "run">;
  maxResultBytes: number;
}

/** Runs a job once: JSON text in, JSON text or the reason out. Never rejects. */
export async function execute(execution: Execution): Promise<ThreadOutcome> {
  const { task, type, context } = execution;
  if (type === undefined) return failed("job_type_unknown", `there is no job type ${task.type}`);
  try {
    const input = await readInput(type, task.input);
    if (!input.ok) return failed("input_invalid", input.why);
    const { jobId, run } = task;
    const value = await type.run({ ...context, input: input.value, jobId, run });
    return await encodeResult(type, value, execution.maxResultBytes);
  } catch (error) {
    return failure(error);
  }
}

type Read = { ok: true; value: unknown } | { ok: false; why: string };

async function readInput(type: JobType, text: string): Promise<Read> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { ok: false, why: "the input is not JSON" };
  }
  const parsed = await type.input.safeParseAsync(json);
  if (!parsed.success) return { ok: false, why: issues(parsed.error.issues) };
  return { ok: true, value: parsed.data };
}

async function encodeResult(
  type: JobType,
  value: unknown,
  maxBytes: number,
): Promise<ThreadOutcome> {
  const parsed = await type.result.safeParseAsync(value);
  let text: string;
  try {
    // A result that is no JSON at all is told first: it is the plainer reason.
    text = toJsonText(parsed.success ? parsed.data : value);
  } catch (error) {
    return failed("result_not_json", `the result is not JSON: ${errorMessage(error)}`);
  }
  if (!parsed.success) return failed("result_invalid", issues(parsed.error.issues));
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) {
    return failed("result_too_large", `the result takes ${bytes} bytes, ${maxBytes} allowed`);
  }
  return { kind: "completed", result: text };
}

/** The outcome of a throw: a `JobError` names it, any other error may be tried again. */
function failure(error: unknown): ThreadOutcome {
  const message = firstLine(errorMessage(error)) || "the run failed without a message";
  if (!isJobError(error)) return failed("run_error", message, true);
  const { retryable } = error;
  const code = cleanText(error.code, MAX_CODE_LENGTH);
  return { kind: "failed", code, message: cleanText(message, MAX_MESSAGE_LENGTH), retryable };
}

// By shape: the job type may have come with its own copy of the class.
function isJobError(error: unknown): error is JobError {
  return (
    error instanceof Error &&
    error.name === "JobError" &&
    "code" in error &&
    typeof error.code === "string" &&
    "retryable" in error &&
    typeof error.retryable === "boolean"
  );
}

function failed(code: RunFailure, message: string, retryable = false): ThreadOutcome {
  return { kind: "failed", code, message: cleanText(message, MAX_MESSAGE_LENGTH), retryable };
}

/** `/rows/0/price: expected number; …` */
function issues(list: readonly { path: PropertyKey[]; message: string }[]): string {
  const shown = list.slice(0, MAX_ISSUES).map(({ path, message }) => {
    const pointer = path.map((key) => `/${String(key)}`).join("");
    return pointer === "" ? message : `${pointer}: ${message}`;
  });
  const more = list.length - shown.length;
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "");
}
