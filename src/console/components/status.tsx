import {
  IconAlertTriangle,
  IconBan,
  IconCheck,
  IconClock,
  IconLoader2,
  IconPlayerPause,
  IconX,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { None } from "./none.tsx";
import classes from "./status.module.css";

export type Tone = "ok" | "bad" | "warn" | "info" | "mute";

const ICONS = {
  check: IconCheck,
  cross: IconX,
  clock: IconClock,
  run: IconLoader2,
  pause: IconPlayerPause,
  ban: IconBan,
  alert: IconAlertTriangle,
};

interface Look {
  tone: Tone;
  icon: keyof typeof ICONS;
  label?: string;
}

/** One look per state wherever it is shown: a colour, and a shape for those who can't tell it. */
const LOOKS: Record<string, Look> = {
  pending: { tone: "info", icon: "clock" },
  running: { tone: "info", icon: "run" },
  completed: { tone: "ok", icon: "check" },
  delivered: { tone: "ok", icon: "check" },
  failed: { tone: "bad", icon: "cross" },
  dead: { tone: "bad", icon: "cross" },
  canceled: { tone: "mute", icon: "ban" },
  active: { tone: "ok", icon: "check" },
  healthy: { tone: "ok", icon: "check" },
  failing: { tone: "bad", icon: "alert" },
  held: { tone: "warn", icon: "pause" },
  stopped: { tone: "bad", icon: "alert" },
  removed: { tone: "mute", icon: "ban" },
  paused: { tone: "warn", icon: "pause" },
  disabled: { tone: "bad", icon: "ban" },
  alive: { tone: "ok", icon: "check" },
  silent: { tone: "bad", icon: "alert" },
  suspended: { tone: "warn", icon: "pause" },
  deleting: { tone: "bad", icon: "clock" },
  deleted: { tone: "mute", icon: "ban" },
  revoked: { tone: "mute", icon: "ban" },
};

const UNKNOWN: Look = { tone: "mute", icon: "clock" };

export function Status({ value, label }: { value: string; label?: string }) {
  const look = LOOKS[value] ?? UNKNOWN;
  return (
    <Pill tone={look.tone} icon={look.icon}>
      {label ?? look.label ?? value}
    </Pill>
  );
}

interface PillProps {
  tone: Tone;
  icon?: keyof typeof ICONS;
  children: ReactNode;
}

export function Pill({ tone, icon, children }: PillProps) {
  const Icon = icon && ICONS[icon];
  return (
    <span className={`${classes.pill} rb-${tone}`}>
      {Icon && <Icon size={12} stroke={2.4} aria-hidden />}
      {children}
    </span>
  );
}

/** The outcome of an attempt: its status code, or why there was none. */
export function Outcome({ code, error }: { code?: number | null; error?: string | null }) {
  if (error) return <Pill tone="bad">{error}</Pill>;
  if (code === null || code === undefined) return <None />;
  const tone = code < 300 ? "ok" : code < 500 && code !== 410 ? "warn" : "bad";
  return <Pill tone={tone}>{code}</Pill>;
}
