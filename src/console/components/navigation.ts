import {
  IconActivity,
  IconInbox,
  IconPlugConnected,
  IconSend,
  IconSettings,
  IconStack2,
} from "@tabler/icons-react";

/** The areas of the console; `key` after `g` leads there. */
export const NAVIGATION = [
  { path: "/", label: "Overview", icon: IconActivity, key: "o" },
  { path: "/jobs", label: "Jobs", icon: IconStack2, key: "j" },
  { path: "/deliveries", label: "Deliveries", icon: IconSend, key: "d" },
  { path: "/dead-letters", label: "Dead letters", icon: IconInbox, key: "l" },
  { path: "/endpoints", label: "Endpoints", icon: IconPlugConnected, key: "e" },
  { path: "/settings", label: "Settings", icon: IconSettings, key: "s" },
] as const;
