import { createParser } from "eventsource-parser";

interface StreamMessage {
  event?: string | undefined;
  id?: string | undefined;
  data: string;
}

/**
 * The messages of an SSE answer. Ends with it; rejects when the connection breaks.
 * @param onBytes called when anything comes, a heartbeat included
 */
export async function* readEventStream(
  response: Response,
  onBytes: () => void,
): AsyncGenerator<StreamMessage, void, void> {
  const messages: StreamMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  try {
    for (;;) {
      const { done = true, value } = (await reader?.read()) ?? {};
      if (done) return;
      onBytes();
      parser.feed(decoder.decode(value, { stream: true }));
      yield* messages.splice(0);
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
  }
}
