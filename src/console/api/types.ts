/** What the API takes and answers: the types made from its description, and a few names for them. */
import type {
  CappedCount,
  EndpointChanges,
  JobType as JobTypeAnswer,
  RetryPolicy,
} from "../../client/openapi-types.ts";

export type {
  ApiKey,
  Attempt,
  Callback,
  DeadLetterGroup,
  Delivery,
  DeliveryWithAttempts,
  Endpoint,
  Job,
  Lane,
  Message,
  Overview,
  Replay,
  Secret,
  Settings,
  SigningKeys,
  Stats,
  TimelineEntry,
  Worker,
} from "../../client/openapi-types.ts";

export interface Page<Item> {
  data: Item[];
  next_cursor: string | null;
}

export type Count = CappedCount;
export type Scope = "jobs" | "webhooks" | "admin" | "operator";

/** Of `/console/session`, which is not part of the described API. */
export interface Session {
  account: { id: string; name: string };
  key: { id: string; name: string; scopes: Scope[] };
  csrf_token: string;
}

export type JobType = Omit<JobTypeAnswer, "input_schema"> & { input_schema: JsonSchema };

/** As much of JSON Schema as forms are made from. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  enum?: unknown[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  format?: string;
}

export type EndpointInput = Required<Omit<EndpointChanges, "retry">> & { retry: RetryPolicy };

export interface ReplayFilter {
  ids?: string[];
  status?: "dead" | "delivered" | "pending";
  reason?: string;
  endpoint_id?: string;
  job_id?: string;
  event_type?: string;
  since?: string;
  until?: string;
}
