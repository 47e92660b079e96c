export { defineJobType, JobError } from "./core/job-type.ts";
export type { JobType, RunContext } from "./core/job-type.ts";
export * from "./client/index.ts";
