/** The codes of failures that Ringback itself gives a run; a `JobError` brings one of its own. */
export const RUN_FAILURES = [
  "job_types_not_loaded",
  "job_type_unknown",
  "input_invalid",
  "run_error",
  "timeout",
  "thread_died",
  "result_not_json",
  "result_invalid",
  "result_too_large",
] as const;

export type RunFailure = (typeof RUN_FAILURES)[number];

const LABELS = new Set<string>(["completed", "stopped", ...RUN_FAILURES]);

/** For metrics, which may not grow with the codes that job types make up: `job_error` for those. */
export function outcomeLabel(outcome: string): string {
  return LABELS.has(outcome) ? outcome : "job_error";
}
