import { receiveMessageOnPort } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import type { AbortMessage, ThreadHello, ThreadMessage } from "./messages.ts";

/** The pool's ends of the ports to its threads. */
export interface ThreadPorts {
  add(hello: ThreadHello): void;
  send(threadId: number, message: AbortMessage): void;
  /** Handles what a thread has sent so far, now rather than in the next turn of the loop. */
  drain(threadId: number): void;
}

export function createThreadPorts(onMessage: (message: ThreadMessage) => void): ThreadPorts {
  const ports = new Map<number, MessagePort>();
  return {
    add({ threadId, port }) {
      ports.set(threadId, port);
      port.on("message", onMessage);
      port.on("close", () => ports.delete(threadId));
      port.unref();
    },
    send(threadId, message) {
      ports.get(threadId)?.postMessage(message);
    },
    drain(threadId) {
      const port = ports.get(threadId);
      if (port === undefined) return;
      let entry: { message: ThreadMessage } | undefined;
      while ((entry = receiveMessageOnPort(port)) !== undefined) {
        onMessage(entry.message);
      }
    },
  };
}
