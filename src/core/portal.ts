/** What a partner may do with its endpoints: look, and what else it is given. */
export const PERMISSIONS = ["read", "test", "replay", "secret", "events"] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** The look of the partner view. */
export interface PortalTheme {
  title?: string;
  /** `#rrggbb` */
  accent?: string;
  /** `https:` or `data:` */
  logo_url?: string;
}

/** A link that shows a partner its endpoints, for a while. */
export interface PortalSession {
  id: string;
  endpoint_ids: string[];
  permissions: Permission[];
  /** Those that its endpoints may be subscribed to. */
  event_types: string[];
  theme: PortalTheme;
  created_at: Date;
  expires_at: Date;
}
