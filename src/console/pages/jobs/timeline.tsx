import {
  IconCircleCheck,
  IconCircleX,
  IconClock,
  IconCpu,
  IconMail,
  IconPlayerPlay,
  IconSend,
  IconStack2,
} from "@tabler/icons-react";
import { Anchor, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "react-router";
import type { TimelineEntry } from "../../api/types.ts";
import { duration } from "../../components/format.ts";
import { Outcome, Status, type Tone } from "../../components/status.tsx";
import { Due, Time } from "../../components/time.tsx";
import classes from "./timeline.module.css";

/** A job's story from acceptance to the last attempt, oldest first; attempts below their delivery. */
export function Timeline({ entries }: { entries: TimelineEntry[] }) {
  const start = Date.parse(entries[0]?.at ?? "");
  return (
    <ol className={classes.timeline}>
      {gathered(entries).map((entry, index) => {
        const { icon, tone } = lookOf(entry);
        return (
          <li
            key={`${entry.kind}-${entry.at}-${index}`}
            className={`${classes.entry} rb-${tone}`}
            data-depth={depthOf(entry)}
            data-kind={entry.kind}
          >
            <span className={classes.mark} aria-hidden>
              {icon}
            </span>
            <div className={classes.text}>
              <div className={classes.title}>
                <span>{titleOf(entry)}</span>
                {outcomeOf(entry)}
              </div>
              <Detail entry={entry} />
            </div>
            <div className={classes.times}>
              <Time at={entry.at} clock />
              {entry.kind === "next_attempt" ? (
                entry.outcome !== "held" && <Due at={entry.at} />
              ) : (
                <span>{offsetOf(entry, start)}</span>
              )}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** Puts attempts right below their delivery, whatever else happened between them. */
function gathered(entries: TimelineEntry[]): TimelineEntry[] {
  const attempts = Map.groupBy(entries.filter(isAttempt), (entry) => entry.delivery_id);
  return entries
    .filter((entry) => !isAttempt(entry))
    .flatMap((entry) =>
      entry.kind === "delivery" ? [entry, ...(attempts.get(entry.delivery_id) ?? [])] : [entry],
    );
}

function isAttempt({ kind }: TimelineEntry): boolean {
  return kind === "attempt" || kind === "next_attempt";
}

function Detail({ entry }: { entry: TimelineEntry }) {
  const { delivery_id, duration_ms } = entry;
  // the delivery above it tells
  const url = isAttempt(entry) ? undefined : entry.url;
  const detail = entry.detail ?? entry.title;
  const took = typeof duration_ms === "number" ? `took ${duration(duration_ms)}` : null;
  if (!url && !took && !detail) return null;
  return (
    <Text size="xs" c="dimmed" component="div" className={classes.detail}>
      {took}
      {took && (url ?? detail) ? " · " : null}
      {url &&
        (delivery_id ? (
          <Anchor component={Link} to={`/deliveries/${delivery_id}`} className="rb-mono" inherit>
            {url}
          </Anchor>
        ) : (
          <span className="rb-mono">{url}</span>
        ))}
      {url && detail ? " · " : null}
      {detail}
    </Text>
  );
}

const TITLES: Record<TimelineEntry["kind"], string> = {
  accepted: "Accepted",
  started: "Taken up",
  run_started: "Run began",
  progress: "Progress",
  finished: "Finished",
  message: "Message",
  delivery: "Delivery",
  attempt: "Attempt",
  next_attempt: "Next attempt",
};

function titleOf({ kind, run, event_type, attempt_number }: TimelineEntry): string {
  const title = TITLES[kind];
  if (kind === "message") return `${title} ${event_type}`;
  if (kind === "attempt") return `${title} ${attempt_number}`;
  return kind === "run_started" ? `Run ${run} began` : title;
}

function outcomeOf({ kind, status_code, error_code, outcome }: TimelineEntry): ReactNode {
  if (kind === "attempt") return <Outcome code={status_code} error={error_code} />;
  return outcome ? <Status value={outcome} /> : null;
}

function offsetOf({ at }: TimelineEntry, start: number): string {
  const distance = Date.parse(at) - start;
  return distance > 0 ? `+${duration(distance)}` : "";
}

function depthOf(entry: TimelineEntry): number {
  if (isAttempt(entry)) return 2;
  return entry.kind === "delivery" ? 1 : 0;
}

const SIZE = { size: 14, stroke: 2 };

function lookOf(entry: TimelineEntry): { icon: ReactNode; tone: Tone } {
  const { kind, status_code, error_code } = entry;
  if (kind === "accepted") return { icon: <IconStack2 {...SIZE} />, tone: "info" };
  if (kind === "message") return { icon: <IconMail {...SIZE} />, tone: "mute" };
  if (kind === "delivery") return { icon: <IconSend {...SIZE} />, tone: "mute" };
  if (kind === "progress") return { icon: <IconCpu {...SIZE} />, tone: "info" };
  if (kind === "attempt") {
    const good = !error_code && (status_code ?? 0) >= 200 && (status_code ?? 0) < 300;
    return good
      ? { icon: <IconCircleCheck {...SIZE} />, tone: "ok" }
      : { icon: <IconCircleX {...SIZE} />, tone: "bad" };
  }
  if (kind.includes("start")) return { icon: <IconPlayerPlay {...SIZE} />, tone: "info" };
  const end = entry.outcome ?? kind;
  if (/completed|finished/.test(end)) return { icon: <IconCircleCheck {...SIZE} />, tone: "ok" };
  if (/failed|lost|crashed/.test(end)) return { icon: <IconCircleX {...SIZE} />, tone: "bad" };
  return { icon: <IconClock {...SIZE} />, tone: "mute" };
}
