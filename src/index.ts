export { defineJobType, JobError } from "./core/job-type.ts";
export type { JobType, RunContext } from "./core/job-type.ts";
export { Ringback } from "./client/ringback.ts";
export { JobFailedError, RingbackError } from "./client/errors.ts";
export type { ErrorCode, ErrorDetail } from "./client/errors.ts";
export type { CallOptions, OperationName, RingbackOptions } from "./client/caller.ts";
export type { Job, WaitOptions } from "./client/job.ts";
export { JsonText } from "./client/json-text.ts";
export type { ActivityOptions, JobActivity } from "./client/job-activity.ts";
export type { JobTypes, SubmitOptions } from "./client/jobs.ts";
export type { Page, Pages } from "./client/pages.ts";
export type {
  Attempt,
  CallbackInput,
  Delivery,
  DeliveryWithAttempts,
  Endpoint,
  EndpointInput,
  Job as JobData,
  Message,
  Replay,
  ReplayInput,
} from "./client/openapi-types.ts";
export { createVerifier, verifyWebhook, WebhookError } from "./client/webhooks.ts";
export type { VerifyOptions, Webhook, WebhookErrorCode, WebhookEvent } from "./client/webhooks.ts";
