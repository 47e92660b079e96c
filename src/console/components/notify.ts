import { notifications } from "@mantine/notifications";
import { messageOf, RingbackError } from "../api/client.ts";

const CLOSE = { "aria-label": "Dismiss" };

export function notifyDone(message: string): void {
  notifications.show({ message, color: "green", autoClose: 4_000, closeButtonProps: CLOSE });
}

export function notifyError(error: unknown): void {
  const message = messageOf(error);
  const id =
    error instanceof RingbackError && error.requestId !== null ? ` (${error.requestId})` : "";
  notifications.show({
    title: "That did not work",
    message: message + id,
    color: "red",
    autoClose: 10_000,
    closeButtonProps: CLOSE,
  });
}
