import { notifications } from "@mantine/notifications";
import { ApiError } from "../api/client.ts";

export function notifyDone(message: string): void {
  notifications.show({ message, color: "green", autoClose: 4_000 });
}

export function notifyError(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const id = error instanceof ApiError && error.requestId !== null ? ` (${error.requestId})` : "";
  notifications.show({
    title: "That did not work",
    message: message + id,
    color: "red",
    autoClose: 10_000,
  });
}
