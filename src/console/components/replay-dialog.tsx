import { Button, Group, Modal, Progress, Skeleton, Stack, Text, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  useCancelReplay,
  useReplay,
  useReplayPreview,
  useStartReplay,
  type ReplayOrder,
} from "../api/replays.ts";
import type { Replay } from "../api/types.ts";
import { number } from "./format.ts";
import { ErrorBox } from "./states.tsx";
import { Status } from "./status.tsx";

interface ReplayDialogProps {
  /** Null: closed. */
  order: ReplayOrder | null;
  onClose: () => void;
  /** After something was carried out. */
  onDone?: () => void;
}

const WORDS = {
  replay: { title: "Send again", verb: "Send", done: "sent again", past: "Sending again" },
  discard: { title: "Discard", verb: "Discard", done: "discarded", past: "Discarding" },
  cancel: { title: "Cancel", verb: "Cancel", done: "canceled", past: "Canceling" },
  send_missed: { title: "Send what was missed", verb: "Send", done: "sent", past: "Sending" },
};

/** Counts what an order would touch, asks, and shows how far it has got. */
export function ReplayDialog({ order, onClose, onDone }: ReplayDialogProps) {
  return (
    <Modal
      opened={order !== null}
      onClose={onClose}
      title={order === null ? "" : WORDS[order.action].title}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {order !== null && <Steps order={order} onClose={onClose} onDone={onDone} />}
    </Modal>
  );
}

function Steps({
  order,
  onClose,
  onDone,
}: { order: ReplayOrder } & Omit<ReplayDialogProps, "order">) {
  const client = useQueryClient();
  const start = useStartReplay();
  const [id, setId] = useState<string | null>(null);
  const replay = useReplay(id);

  function close(): void {
    onClose();
    if (id === null) return;
    onDone?.();
    for (const family of ["dead-letters", "deliveries", "endpoints", "overview"]) {
      void client.invalidateQueries({ queryKey: [family] });
    }
  }

  if (id !== null) {
    const shown = replay.data ?? start.data;
    return shown === undefined ? (
      <Skeleton height={80} />
    ) : (
      <Running replay={shown} words={WORDS[order.action]} onClose={close} />
    );
  }
  return (
    <Question
      order={order}
      busy={start.isPending}
      error={start.error}
      onClose={onClose}
      onConfirm={(note) =>
        start.mutate(note === undefined ? order : { ...order, note }, {
          onSuccess: (made) => setId(made.id),
        })
      }
    />
  );
}

interface QuestionProps {
  order: ReplayOrder;
  busy: boolean;
  error: unknown;
  onClose: () => void;
  onConfirm: (note?: string) => void;
}

function Question({ order, busy, error, onClose, onConfirm }: QuestionProps) {
  const [note, setNote] = useState("");
  const preview = useReplayPreview(order, true);
  const { verb } = WORDS[order.action];
  const discard = order.action === "discard";
  const matched = preview.data?.matched;
  return (
    <Stack gap="md">
      {preview.isError && <ErrorBox error={preview.error} />}
      {preview.isPending && <Skeleton height={20} />}
      {preview.data !== undefined && (
        <Text size="sm">
          <b>{countText(preview.data)}</b> {WILL[order.action]}
          {order.action === "replay" && matched === 0 && " Enable it first."}
        </Text>
      )}
      {discard && (
        <Textarea
          label="Why"
          description="Kept with each of them"
          required
          rows={2}
          maxLength={500}
          data-autofocus
          value={note}
          onChange={({ currentTarget }) => setNote(currentTarget.value)}
        />
      )}
      {error !== null && <ErrorBox error={error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          {order.action === "cancel" ? "Keep them" : "Cancel"}
        </Button>
        <Button
          color={discard || order.action === "cancel" ? "red" : undefined}
          disabled={!matched || (discard && note.trim() === "")}
          loading={busy}
          onClick={() => onConfirm(discard ? note.trim() : undefined)}
        >
          {preview.data === undefined ? verb : `${verb} ${matchedText(preview.data)}`}
        </Button>
      </Group>
    </Stack>
  );
}

interface RunningProps {
  replay: Replay;
  words: (typeof WORDS)["replay"];
  onClose: () => void;
}

function Running({ replay, words, onClose }: RunningProps) {
  const cancel = useCancelReplay();
  const { matched, replayed, status } = replay;
  const share = status === "completed" || matched === 0 ? 100 : (100 * replayed) / matched;
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <Text size="sm" role="status">
          {number(replayed)} of {matchedText(replay)} {words.done}
        </Text>
        <Status value={status} />
      </Group>
      <Progress value={share} aria-label={`${words.past}: ${Math.floor(share)} %`} />
      {cancel.isError && <ErrorBox error={cancel.error} />}
      <Group justify="flex-end" gap="xs">
        {status === "running" && (
          <Button
            variant="default"
            loading={cancel.isPending}
            onClick={() => cancel.mutate(replay.id)}
          >
            Stop here
          </Button>
        )}
        <Button onClick={onClose} data-autofocus>
          {status === "running" ? "Go on in the background" : "Close"}
        </Button>
      </Group>
    </Stack>
  );
}

const WILL: Record<ReplayOrder["action"], string> = {
  replay:
    "will be sent again, each once, with the same webhook-id and a fresh budget of attempts. What belongs to an endpoint that is disabled or deleted is left out.",
  discard:
    "will leave the inbox. They stay in the books as dead, with your note; sending one again by its page brings it back.",
  cancel: "that wait will not be sent, and can't be sent again. They stay in the log as canceled.",
  send_missed:
    "that were not made while it was disabled will be made and sent, each once. Messages that its filter doesn't want now are left out.",
};

/** With a `+` when there are that many at least. */
export function matchedText({ matched, matched_exact: exact }: Replay): string {
  return `${number(matched)}${exact ? "" : "+"}`;
}

function countText(counted: Replay): string {
  return counted.matched === 1 && counted.matched_exact
    ? "1 delivery"
    : `${matchedText(counted)} deliveries`;
}
