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
  { path: "/jobs", label: "Jobs", icon: IconStack2, key: "j", scope: "jobs:read" },
  { path: "/events", label: "Events", icon: IconBolt, key: "v", scope: "webhooks:read" },
  { path: "/deliveries", label: "Deliveries", icon: IconSend, key: "d", scope: "webhooks:read" },
  {
    path: "/dead-letters",
    label: "Dead letters",
    icon: IconInbox,
    key: "l",
    scope: "webhooks:read",
  },
  {
    path: "/endpoints",
    label: "Endpoints",
    icon: IconPlugConnected,
    key: "e",
    scope: "webhooks:read",
  },
  { path: "/settings", label: "Settings", icon: IconSettings, key: "s", scope: "webhooks:read" },
] as const;
