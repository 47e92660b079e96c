import type {
  EndpointTestEvent,
  JobCanceledEvent,
  JobCompletedEvent,
  JobFailedEvent,
  JobProgressEvent,
  JobStartedEvent,
} from "./openapi-types.ts";

// A string to the type checker that is none of the names it knows, so that those are told apart.
declare enum UndeclaredName {
  Any = "an event of one's own",
}

/** An event whose type was not declared: any other name. */
export interface UndeclaredEvent {
  type: UndeclaredName;
  timestamp: string;
  data: Record<string, unknown>;
}

type OwnEvent<Own> = {
  [Type in keyof Own & string]: { type: Type; timestamp: string; data: Own[Type] };
}[keyof Own & string];

/** The events of webhooks, told apart by `type`. `Own`: the `data` of events of one's own, by type. */
export type WebhookEvent<Own = Record<never, never>> =
  | JobStartedEvent
  | JobProgressEvent
  | JobCompletedEvent
  | JobFailedEvent
  | JobCanceledEvent
  | EndpointTestEvent
  | OwnEvent<Own>
  | UndeclaredEvent;

/** A webhook whose signature is good. */
export type Webhook<Own = Record<never, never>> = WebhookEvent<Own> & {
  /** `webhook-id`: the same for every attempt and every replay of one message. */
  id: string;
  /** When this attempt was signed. */
  signedAt: Date;
  /** Number of the attempt; null when the sender does not tell. */
  attempt: number | null;
  /** `seen` knew the id already: it was handled before. */
  duplicate: boolean;
};
