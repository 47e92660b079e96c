import type { CloseReason } from "../../flow/activity/feed.ts";
import type { ActivityEntry } from "../../db/activity/activity.ts";
import { formatId } from "../../core/ids.ts";
import { formatPosition } from "../../core/activity.ts";

/** A message of a stream of activity, in any of the forms it may be sent in. */
export interface StreamMessage {
  id: string;
  type: string;
  at: Date;
  /** The rest of the message: JSON text of an object. */
  rest: string;
}

/** The connection to one listener: server-sent events or a WebSocket. */
export interface Channel {
  /** Sends the id from which the stream begins. */
  ready(id: string): void;
  send(messages: readonly StreamMessage[]): void;
  /** Bytes on their way to the listener. */
  waiting(): number;
  keepAlive(): void;
  close(why: CloseReason | "ended"): void;
  /** Calls back once, whichever side ended the channel. */
  onGone(gone: () => void): void;
}

// Many listeners get the same entry: its text is made once.
const messages = new WeakMap<ActivityEntry, StreamMessage>();

export function messageOf(entry: ActivityEntry): StreamMessage {
  const known = messages.get(entry);
  if (known !== undefined) return known;
  const { at, type, job_id, message_id, delivery_id, endpoint_id, data } = entry;
  const ids = JSON.stringify({
    ...(job_id === null ? {} : { job_id: formatId("job", job_id) }),
    ...(message_id === null ? {} : { message_id: formatId("message", message_id) }),
    ...(delivery_id === null ? {} : { delivery_id: formatId("delivery", delivery_id) }),
    ...(endpoint_id === null ? {} : { endpoint_id: formatId("endpoint", endpoint_id) }),
  });
  const message = { id: formatPosition(entry.position), type, at, rest: joinObjects(ids, data) };
  messages.set(entry, message);
  return message;
}

/** Two objects as one, as JSON texts. */
export function joinObjects(a: string, b: string): string {
  if (a === "{}") return b;
  return b === "{}" ? a : `${a.slice(0, -1)},${b.slice(1)}`;
}

/** Remembers a text per message. */
export function once(make: (message: StreamMessage) => string): (message: StreamMessage) => string {
  const texts = new WeakMap<StreamMessage, string>();
  return (message) => {
    const text = texts.get(message) ?? make(message);
    texts.set(message, text);
    return text;
  };
}
