import {
  IconActivity,
  IconBolt,
  IconInbox,
  IconPlugConnected,
  IconSend,
  IconSettings,
  IconStack2,
} from "@tabler/icons-react";

/** The areas of the console; `key` after `g` leads there. They are for keys with the scope. */
export const NAVIGATION = [
  { path: "/", label: "Overview", icon: IconActivity, key: "o", scope: null },
  { path: "/jobs", label: "Jobs", icon: IconStack2, key: "j", scope: "jobs" },
  { path: "/events", label: "Events", icon: IconBolt, key: "v", scope: "webhooks" },
  { path: "/deliveries", label: "Deliveries", icon: IconSend, key: "d", scope: "webhooks" },
  { path: "/dead-letters", label: "Dead letters", icon: IconInbox, key: "l", scope: "webhooks" },
  { path: "/endpoints", label: "Endpoints", icon: IconPlugConnected, key: "e", scope: "webhooks" },
  { path: "/settings", label: "Settings", icon: IconSettings, key: "s", scope: "webhooks" },
] as const;
