import { Tooltip } from "@mantine/core";
import { useTextAt } from "./clock.ts";
import { clockTime, localTime, relative, utcTime } from "./format.ts";
import { None } from "./none.tsx";
import classes from "./time.module.css";

interface TimeProps {
  at: string | null;
  /** The time of day instead of the distance from now. */
  clock?: boolean;
}

/** A moment: relative at a glance, local and UTC on hover. */
export function Time({ at, clock = false }: TimeProps) {
  const text = useTextAt((now) => (at === null ? "" : clock ? clockTime(at) : relative(at, now)));
  if (at === null) return <None />;
  return (
    <Tooltip
      label={
        <span className={classes.both}>
          <span>{localTime(at)}</span>
          <span>{utcTime(at)}</span>
        </span>
      }
    >
      <time dateTime={at} className={classes.time}>
        {text}
      </time>
    </Tooltip>
  );
}

/** A moment to come; "due" once it is over. */
export function Due({ at }: { at: string | null }) {
  const due = useTextAt((now) => (at !== null && Date.parse(at) <= now ? "due" : ""));
  return due === "" ? <Time at={at} /> : <span>{due}</span>;
}
