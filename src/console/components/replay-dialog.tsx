import { Button, Group, Modal, Skeleton, Stack, Text, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useReplay, useReplayPreview, useStartReplay, type ReplayOrder } from "../api/replays.ts";
import type { Replay, ReplaySending } from "../api/types.ts";
import { ErrorBox } from "./states.tsx";
import { LeftOut } from "./replay-left-out.tsx";
import { Running } from "./replay-running.tsx";
import { ReplaySendingInputs } from "./replay-sending.tsx";
import { matchedText, wordsOf } from "./replay-words.ts";

interface ReplayDialogProps {
  /** Null: closed. */
  order: ReplayOrder | null;
  onClose: () => void;
  /** After something was carried out. */
  onDone?: () => void;
}

/** Counts what an order would touch, asks, and shows how far it has got. */
export function ReplayDialog({ order, onClose, onDone }: ReplayDialogProps) {
  return (
    <Modal
      opened={order !== null}
      onClose={onClose}
      title={order === null ? "" : wordsOf(order).title}
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
    for (const family of ["dead-letters", "deliveries", "endpoints", "jobs", "overview"]) {
      void client.invalidateQueries({ queryKey: [family] });
    }
  }

  if (id !== null) {
    const shown = replay.data ?? start.data;
    return shown === undefined ? (
      <Skeleton height={80} />
    ) : (
      <Running replay={shown} words={wordsOf(order)} onClose={close} />
    );
  }
  return (
    <Question
      order={order}
      busy={start.isPending}
      error={start.error}
      onClose={onClose}
      onConfirm={(said) =>
        start.mutate({ ...order, ...said }, { onSuccess: (made) => setId(made.id) })
      }
    />
  );
}

interface QuestionProps {
  order: ReplayOrder;
  busy: boolean;
  error: unknown;
  onClose: () => void;
  onConfirm: (said: Pick<ReplayOrder, "note" | "sending">) => void;
}

function Question({ order, busy, error, onClose, onConfirm }: QuestionProps) {
  const [note, setNote] = useState("");
  const preview = useReplayPreview(order, true);
  const [sending, setSending] = useState<ReplaySending>({});
  const { verb } = wordsOf(order);
  const discard = order.action === "discard";
  const matched = preview.data?.matched;
  return (
    <Stack gap="md">
      {preview.isError && <ErrorBox error={preview.error} />}
      {preview.isPending && <Skeleton height={20} />}
      {preview.data !== undefined && (
        <Text size="sm">
          <b>{countText(preview.data)}</b>{" "}
          {order.target === "jobs" ? WILL_RETRY : WILL[order.action]}
        </Text>
      )}
      {preview.data !== undefined && <LeftOut replay={preview.data} onLeave={onClose} />}
      {order.action === "replay" && matched !== undefined && matched > 0 && (
        <ReplaySendingInputs value={sending} onChange={setSending} />
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
          onClick={() =>
            onConfirm({
              ...(discard ? { note: note.trim() } : {}),
              ...(order.action === "replay" ? { sending } : {}),
            })
          }
        >
          {preview.data === undefined ? verb : `${verb} ${matchedText(preview.data)}`}
        </Button>
      </Group>
    </Stack>
  );
}

const WILL: Record<ReplayOrder["action"], string> = {
  replay: "will be sent again, each once, with the same webhook-id and a fresh budget of attempts.",
  discard:
    "will leave the inbox. They stay in the books as dead, with your note; sending one again by its page brings it back.",
  cancel: "that wait will not be sent, and can't be sent again. They stay in the log as canceled.",
  send_missed:
    "that were not made while it was disabled will be made and sent, each once. Messages that its filter doesn't want now are left out.",
};

const WILL_RETRY =
  "will run again, each as a new job with the same input, metadata and callbacks, which are told anew. Jobs retried before are left out.";

function countText(counted: Replay): string {
  const [one, many] = counted.target === "jobs" ? ["job", "jobs"] : ["delivery", "deliveries"];
  return counted.matched === 1 && counted.matched_exact
    ? `1 ${one}`
    : `${matchedText(counted)} ${many}`;
}
