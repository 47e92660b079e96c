import { formatId } from "../../core/ids.ts";
import type { PortalSession } from "../../core/portal.ts";
import type { PortalSessionBody } from "../schemas/portal-session.ts";
import { isoTime } from "./common.ts";

export function portalSessionView(session: PortalSession): PortalSessionBody {
  return {
    id: formatId("portal_session", session.id),
    endpoint_ids: session.endpoint_ids.map((id) => formatId("endpoint", id)),
    can: session.permissions,
    event_types: session.event_types,
    theme: session.theme,
    created_at: isoTime(session.created_at),
    expires_at: isoTime(session.expires_at),
  };
}
