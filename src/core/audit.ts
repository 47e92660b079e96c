import { isDeepStrictEqual } from "node:util";
import type { Actor } from "./model.ts";

/** Changes that are told by the audit log. */
export const AUDIT_ACTIONS = [
  "account.created",
  "account.renamed",
  "account.suspended",
  "account.resumed",
  "account.deletion_started",
  "account.deleted",
  "api_key.created",
  "api_key.revoked",
  "console.signed_in",
  "console.signed_out",
  "dead_letters.discarded",
  "deliveries.canceled",
  "delivery.replayed",
  "endpoint.created",
  "endpoint.updated",
  "endpoint.deleted",
  "endpoint.paused",
  "endpoint.resumed",
  "endpoint.enabled",
  "endpoint.disabled",
  "portal_session.created",
  "portal_session.revoked",
  "replay.created",
  "replay.canceled",
  "replay.paused",
  "replay.resumed",
  "secret.rotated",
  "signing_key.rotated",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Kinds of what is changed. */
export const AUDIT_TARGETS = [
  "account",
  "endpoint",
  "key",
  "delivery",
  "replay",
  "portal_session",
] as const;
export type AuditTarget = (typeof AUDIT_TARGETS)[number];

/** Who changes something, and from where. */
export interface Author {
  actor: Actor;
  address: string | null;
  requestId: string | null;
}

/** What the program changes by itself, and the command line in the database. */
export const SYSTEM: Author = {
  actor: { type: "system", id: null, name: "system" },
  address: null,
  requestId: null,
};

export interface AuditEvent {
  id: string;
  account_id: string;
  created_at: Date;
  actor_type: Actor["type"];
  actor_id: string | null;
  actor_name: string;
  action: AuditAction;
  target_type: AuditTarget;
  target_id: string;
  target_name: string;
  /** The fields that changed; null: there was nothing before, or there is nothing after. */
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
  address: string | null;
  request_id: string | null;
}

type Fields = Record<string, unknown>;

/** The fields that differ, as they were and as they are. */
export function changesOf(before: Fields, after: Fields): { before: Fields; after: Fields } {
  const names = Object.keys(after).filter((name) => !isDeepStrictEqual(before[name], after[name]));
  const pick = (from: Fields): Fields =>
    Object.fromEntries(names.map((name) => [name, from[name] ?? null]));
  return { before: pick(before), after: pick(after) };
}
