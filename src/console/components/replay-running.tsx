import { Alert, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { Link } from "react-router";
import { useChangeReplay } from "../api/replays.ts";
import type { Replay } from "../api/types.ts";
import { number } from "./format.ts";
import { matchedText } from "./replay-words.ts";
import { ErrorBox } from "./states.tsx";
import { Status } from "./status.tsx";
import { Time } from "./time.tsx";

interface RunningProps {
  replay: Replay;
  words: { done: string; past: string };
  onClose: () => void;
}

/** How far a replay has got, with the ways to hold or end it. */
export function Running({ replay, words, onClose }: RunningProps) {
  const open = replay.finished_at === null;
  return (
    <Stack gap="md">
      <ReplayProgress replay={replay} words={words} />
      <Group justify="flex-end" gap="xs">
        <Button
          component={Link}
          to={`/replays/${replay.id}`}
          variant="subtle"
          onClick={onClose}
          mr="auto"
        >
          Report
        </Button>
        <ReplayButtons replay={replay} />
        <Button onClick={onClose} data-autofocus>
          {open ? "Go on in the background" : "Close"}
        </Button>
      </Group>
    </Stack>
  );
}

export function ReplayProgress({ replay, words }: Omit<RunningProps, "onClose">) {
  const { matched, replayed, status, stopped_reason } = replay;
  const share = status === "completed" || matched === 0 ? 100 : (100 * replayed) / matched;
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Text size="sm" role="status">
          {number(replayed)} of {matchedText(replay)} {words.done}
        </Text>
        <Status value={status} />
      </Group>
      <Progress value={share} aria-label={`${words.past}: ${Math.floor(share)} %`} />
      {stopped_reason !== null && (
        <Alert variant="outline" color="red" title="Stopped by its canary">
          {stopped_reason}
        </Alert>
      )}
      <Waiting replay={replay} />
    </Stack>
  );
}

/** What a replay that sends nothing waits for. */
function Waiting({ replay: { status, start_at, canary, replayed } }: { replay: Replay }) {
  if (status !== "running") return null;
  if (start_at !== null && Date.parse(start_at) > Date.now()) {
    return (
      <Text size="xs" c="dimmed" component="div">
        Starts <Time at={start_at} />
      </Text>
    );
  }
  if (canary === null || canary.passed_at !== null || replayed < canary.count) return null;
  return (
    <Text size="xs" c="dimmed">
      Waits for the outcomes of the first {number(canary.count)}
    </Text>
  );
}

/** Pause or resume, and stop. */
export function ReplayButtons({ replay: { id, status } }: { replay: Replay }) {
  const change = useChangeReplay();
  if (status !== "running" && status !== "paused") return null;
  const other = status === "running" ? "pause" : "resume";
  return (
    <>
      {change.isError && <ErrorBox error={change.error} />}
      <Button
        variant="default"
        loading={change.isPending}
        onClick={() => change.mutate({ id, change: other })}
      >
        {other === "pause" ? "Pause" : "Resume"}
      </Button>
      <Button
        variant="default"
        loading={change.isPending}
        onClick={() => change.mutate({ id, change: "cancel" })}
      >
        Stop here
      </Button>
    </>
  );
}
