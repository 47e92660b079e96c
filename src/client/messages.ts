import type { ApiCaller, BodyOf, CallOptions, QueryOf } from "./caller.ts";
import { newIdempotencyKey } from "./idempotency-key.ts";
import { bodyText } from "./json-text.ts";
import type { JsonText } from "./json-text.ts";
import { withCursor } from "./jobs.ts";
import type {
  ListedMessage,
  Message,
  MessageLineAnswer,
  MessageWithSkipped,
} from "./openapi-types.ts";
import { Pages } from "./pages.ts";
import { pause, pauseBefore } from "./retry.ts";

/** An event to be published. */
export interface OwnEvent {
  type: string;
  data: Record<string, unknown> | JsonText;
  /** Yours, to find it by; not sent. */
  metadata?: Record<string, unknown> | JsonText | undefined;
  /** Publishes it once, however often it is sent. Default: a new one. */
  idempotencyKey?: string | undefined;
}

/** Lines and characters of one request; the service takes ten times as many lines. */
const LINES = 1_000;
const CHARACTERS = 4_000_000;
/** How often lines are sent again that the service could not take at the moment. */
const ROUNDS = 4;

/** Messages: events of one's own. */
export class Messages {
  readonly #caller: ApiCaller;

  constructor(caller: ApiCaller) {
    this.#caller = caller;
  }

  /** Publishes an event to every endpoint whose filter has its type. */
  async publish(
    type: string,
    data: Record<string, unknown> | JsonText,
    options: CallOptions & {
      idempotencyKey?: string | undefined;
      metadata?: Record<string, unknown> | JsonText | undefined;
    } = {},
  ): Promise<Message> {
    const { idempotencyKey = newIdempotencyKey(), metadata, ...rest } = options;
    const body = { type, data, ...(metadata && { metadata }) } as BodyOf<"POST /v1/messages">;
    const call = { body, idempotencyKey, ...rest };
    return (await this.#caller.call("POST /v1/messages", call)).body;
  }

  /**
   * Publishes many events, each once, in as few requests as their size allows.
   * @returns an answer for each, in their order: `status` 202 and `id`, or why it was refused
   */
  async publishMany(
    events: readonly OwnEvent[],
    options: CallOptions = {},
  ): Promise<MessageLineAnswer[]> {
    const lines = events.map(({ type, data, metadata, idempotencyKey = newIdempotencyKey() }) => ({
      type,
      data,
      ...(metadata && { metadata }),
      idempotency_key: idempotencyKey,
    })) as BodyOf<"POST /v1/messages/batch">;
    const answers: MessageLineAnswer[] = [];
    for (let begin = 0; begin < lines.length;) {
      const end = endOfRequest(lines, begin);
      for (const answer of await this.#publishLines(lines.slice(begin, end), options)) {
        answers.push({ ...answer, line: begin + answer.line });
      }
      begin = end;
    }
    return answers;
  }

  async #publishLines(
    lines: BodyOf<"POST /v1/messages/batch">,
    options: CallOptions,
  ): Promise<MessageLineAnswer[]> {
    const answers: MessageLineAnswer[] = [];
    let open = lines.map((_, index) => index);
    for (let round = 1; ; round += 1) {
      const body = open.map((index) => lines[index]!);
      const call = { body, repeatable: true, ...options };
      const answered = (await this.#caller.call("POST /v1/messages/batch", call)).body;
      for (const answer of answered) {
        const index = open[answer.line - 1]!;
        answers[index] = { ...answer, line: index + 1 };
      }
      open = open.filter((index) => mayGoAgain(answers[index]!));
      if (open.length === 0 || round === ROUNDS) return answers;
      await pause(pauseBefore(round, null)!, options.signal);
    }
  }

  /**
   * Those that fit. With `text` a page may be empty and yet lead on: `for await` goes through all of
   * the range, until the signal ends it.
   */
  list(query: QueryOf<"GET /v1/messages"> = {}, options: CallOptions = {}): Pages<ListedMessage> {
    return new Pages(async (cursor, given) => {
      const call = { query: withCursor(query, cursor), ...given };
      return (await this.#caller.call("GET /v1/messages", call)).body;
    }, options);
  }

  /** With its deliveries, and the endpoints that got none. */
  async get(id: string, options: CallOptions = {}): Promise<MessageWithSkipped> {
    return (await this.#caller.call("GET /v1/messages/{id}", { id, ...options })).body;
  }
}

function mayGoAgain({ status, problem }: MessageLineAnswer): boolean {
  return status === 503 || problem?.code === "idempotency_in_progress";
}

function endOfRequest(lines: readonly object[], begin: number): number {
  let characters = 0;
  for (let end = begin; end < lines.length; end += 1) {
    characters += bodyText(lines[end]!).length;
    const isFull = end - begin === LINES || characters > CHARACTERS;
    if (isFull && end > begin) return end;
  }
  return lines.length;
}
