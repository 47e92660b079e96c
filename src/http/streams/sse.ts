import type { ServerResponse } from "node:http";
import { joinObjects, once, type Channel, type StreamMessage } from "./channel.ts";
import type { Reply } from "../reply.ts";

/** Time after which a browser comes back, in milliseconds. */
const RETRY_MS = 1_000;

const frame = once(({ id, type, at, rest }: StreamMessage) => {
  const data = joinObjects(JSON.stringify({ type, at }), rest);
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
});

/** An endless answer of server-sent events (HTML Living Standard, 9.2). */
export function eventStream(open: (channel: Channel) => void): Reply {
  return {
    status: 200,
    headers: {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store, no-transform",
      // proxies that buffer answers would delay the messages
      "x-accel-buffering": "no",
      // a connection that stays open afterwards would delay the end of the process
      connection: "close",
    },
    body: null,
    stream(response) {
      open(sseChannel(response));
    },
  };
}

function sseChannel(response: ServerResponse): Channel {
  const write = (text: string): void => {
    if (!response.destroyed && !response.writableEnded) response.write(text);
  };
  return {
    // The answer begins here, so that a browser misses nothing after its `open`.
    ready: (id) => write(`retry: ${RETRY_MS}\nid: ${id}\n: ready\n\n`),
    send: (messages) => write(messages.map(frame).join("")),
    waiting: () => response.writableLength,
    keepAlive: () => write(": still here\n\n"),
    close(why) {
      if (why === "slow" || why === "failed") response.destroy();
      else response.end();
    },
    onGone: (gone) => void response.once("close", gone),
  };
}
