import { Tooltip } from "@mantine/core";
import { useLiveState, type LiveState } from "../api/activity.ts";
import classes from "./live-indicator.module.css";

const TEXTS: Record<LiveState, { label: string; hint: string; tone: string }> = {
  live: { label: "Live", hint: "What you see follows the server by itself", tone: "ok" },
  connecting: { label: "Connecting", hint: "Opening the stream of activity", tone: "mute" },
  offline: {
    label: "Reconnecting",
    hint: "The stream of activity was cut off; what you see may be old",
    tone: "warn",
  },
};

export function LiveIndicator() {
  const state = useLiveState();
  const { label, hint, tone } = TEXTS[state];
  return (
    <Tooltip label={hint}>
      <span className={`${classes.indicator} rb-${tone}`} data-state={state} role="status">
        <span className={classes.dot} aria-hidden />
        {label}
      </span>
    </Tooltip>
  );
}
