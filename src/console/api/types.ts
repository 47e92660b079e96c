/** Bodies of the API: the types made from its description, and a few names for them. */
import type { Scope } from "../../core/model.ts";
import type { BodyOf } from "../../client/caller.ts";
import type {
  CappedCount,
  EndpointChanges,
  JobType,
  RetryPolicy,
} from "../../client/openapi-types.ts";

export type {
  Account,
  ApiKey,
  Attempt,
  AuditEvent,
  Callback,
  DeadLetterGroup,
  Delivery,
  DeliveryWithAttempts,
  Endpoint,
  FailedJobGroup,
  Job,
  Lane,
  ListedEndpoint,
  ListedMessage,
  Overview,
  PortalSession,
  Replay,
  ReplayReport,
  SearchHit,
  Secret,
  SkippedEndpoint,
  SigningKeys,
  Stats,
  TimelineEntry,
  Worker,
} from "../../client/openapi-types.ts";

/** A page of a list. */
export type ListPage<Item> = { data: Item[]; next_cursor: string | null };

export type Count = CappedCount;

/** The answer of `/console/session`, which is not part of the described API. */
export interface Session {
  account: { id: string; name: string };
  key: { id: string; name: string; scopes: Scope[] };
  csrf_token: string;
}

export type JobTypeForm = Omit<JobType, "input_schema"> & { input_schema: JsonSchema };

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

export type ReplayChoice = BodyOf<"POST /v1/replays">["filter"];

/** How a replay is sent: pace, canary, order and start. */
export type ReplaySending = Pick<
  BodyOf<"POST /v1/replays">,
  "pace" | "canary" | "order" | "start_at"
>;
