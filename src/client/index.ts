export { Ringback } from "./ringback.ts";
export { JobFailedError, RingbackError } from "./errors.ts";
export type { ErrorCode, ErrorDetail } from "./errors.ts";
export type { CallOptions, OperationName, RingbackOptions } from "./caller.ts";
export type { Job, WaitOptions } from "./job.ts";
export { JsonText } from "./json-text.ts";
export type { ActivityOptions, JobActivity } from "./job-activity.ts";
export type { JobTypes, SubmitOptions } from "./jobs.ts";
export type { Page, Pages } from "./pages.ts";
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
} from "./openapi-types.ts";
export { createVerifier, verifyWebhook, WebhookError } from "./webhooks.ts";
export type { VerifyOptions, Webhook, WebhookErrorCode, WebhookEvent } from "./webhooks.ts";
