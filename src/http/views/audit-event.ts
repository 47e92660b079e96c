import type { AuditEvent } from "../../core/audit.ts";
import { formatId } from "../../core/ids.ts";
import type { AuditEventBody } from "../schemas/audit-event.ts";
import { idOrNull, isoTime } from "./common.ts";

export function auditEventView(event: AuditEvent): AuditEventBody {
  return {
    id: formatId("audit", event.id),
    at: isoTime(event.created_at),
    actor: {
      type: event.actor_type,
      id: idOrNull(event.actor_type === "portal" ? "portal_session" : "key", event.actor_id),
      name: event.actor_name,
    },
    action: event.action,
    target: {
      type: event.target_type,
      id: formatId(event.target_type, event.target_id),
      name: event.target_name,
    },
    before: event.before,
    after: event.after,
    address: event.address,
    request_id: event.request_id,
  };
}

export const CSV_HEAD =
  "at,actor_type,actor_id,actor,action,target_type,target_id,target,before,after,address,request_id,id";

/** One line of CSV (RFC 4180). */
export function auditEventCsv(event: AuditEvent): string {
  const { id, at, actor, action, target, before, after, address, request_id } =
    auditEventView(event);
  const fields = [
    at,
    actor.type,
    actor.id ?? "",
    actor.name,
    action,
    target.type,
    target.id,
    target.name,
    before === null ? "" : JSON.stringify(before),
    after === null ? "" : JSON.stringify(after),
    address ?? "",
    request_id ?? "",
    id,
  ];
  return fields.map(csvField).join(",");
}

/** A field in quotes; one that a spreadsheet would take for a formula begins with an apostrophe. */
function csvField(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
