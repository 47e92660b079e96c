import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { parseJson, type JsonDocument } from "../core/json.ts";
import { Problem } from "../core/problem.ts";
import { checkContent, MAX_BODY_BYTES } from "./body.ts";
import { problemBody, toProblem } from "./problems.ts";
import type { Reply } from "./reply.ts";
import { parseWith } from "./validation.ts";

/** JSON Lines: one value on each line, in requests and answers. */
export const LINES_TYPE = "application/x-ndjson";
/** The most lines of one request, and the most bytes. */
export const MAX_LINES = 10_000;
export const MAX_LINES_BYTES = 16 * 1_048_576;
/** The most lines of one request that are worked on at once. */
const AT_ONCE = 400;

/** The answer to one line: its status is what the line would have got as a request of its own. */
export interface LineAnswer {
  status: number;
  [member: string]: unknown;
}

/**
 * Works on each line of a request as it comes in, some at a time, and answers each in its place. A
 * line that is refused does not hold up the others. A request with too much is answered up to where
 * it was too much.
 * @param work answers a line that fits the schema; a Problem becomes the line's answer
 */
export async function answerLines<Schema extends z.ZodType>(
  lines: AsyncIterable<Buffer>,
  schema: Schema,
  request: { path: string; requestId: string; onUnexpected(error: unknown): void },
  work: (line: { value: z.output<Schema>; document: JsonDocument }) => Promise<LineAnswer>,
): Promise<Reply> {
  const answers: Promise<string>[] = [];
  const answerTo = async (answer: () => Promise<LineAnswer>, line: number): Promise<string> => {
    try {
      return JSON.stringify({ line, ...(await answer()) });
    } catch (error) {
      const { problem, unexpected } = toProblem(error);
      if (unexpected) request.onUnexpected(error);
      const body = problemBody(problem, request.path, request.requestId);
      return `{"line":${line},"status":${problem.status},"problem":${body}}`;
    }
  };
  try {
    for await (const bytes of lines) {
      const number = answers.length + 1;
      if (number > MAX_LINES) throw tooMuch(`${MAX_LINES} lines`);
      // the oldest line under way goes first
      if (number > AT_ONCE) await answers[number - AT_ONCE - 1];
      const one = async (): Promise<LineAnswer> => {
        const document = parseJson(bytes);
        const value = await parseWith(schema, document.value, "validation_failed");
        return await work({ value, document });
      };
      answers.push(answerTo(one, number));
    }
  } catch (error) {
    // nothing was done yet: the request as a whole is refused
    if (answers.length === 0) throw error;
    answers.push(answerTo(() => Promise.reject(error), answers.length + 1));
  }
  if (answers.length === 0) throw new Problem("body_not_json", "The body has no line.");
  const texts = await Promise.all(answers);
  return { status: 200, headers: { "content-type": LINES_TYPE }, body: `${texts.join("\n")}\n` };
}

/**
 * Reads the lines of a request; empty ones are left out.
 * @throws Problem `content_type_unsupported`, `content_encoding_unsupported`, `body_too_large`,
 *   `body_interrupted`
 */
export async function* readLines(request: IncomingMessage): AsyncGenerator<Buffer> {
  checkContent(request, LINES_TYPE);
  if (Number(request.headers["content-length"] ?? 0) > MAX_LINES_BYTES) throw tooManyBytes();
  let rest: Buffer[] = [];
  let restBytes = 0;
  let bytes = 0;
  try {
    // a request that is not read to its end stays open for its answer
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      let begin = 0;
      const buffer = chunk as Buffer;
      bytes += buffer.length;
      if (bytes > MAX_LINES_BYTES) throw tooManyBytes();
      for (let end; (end = buffer.indexOf(0x0a, begin)) !== -1; begin = end + 1) {
        yield* whole([...rest, buffer.subarray(begin, end)]);
        rest = [];
        restBytes = 0;
      }
      rest.push(buffer.subarray(begin));
      restBytes += buffer.length - begin;
      if (restBytes > MAX_BODY_BYTES) throw tooLong();
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("body_interrupted", "The body ended before its length.");
  }
  yield* whole(rest);
}

function* whole(parts: readonly Buffer[]): Generator<Buffer> {
  const line = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (line.length > MAX_BODY_BYTES) throw tooLong();
  if (line.some((byte) => byte > 0x20)) yield line;
}

function tooManyBytes(): Problem {
  return tooMuch(`${MAX_LINES_BYTES} bytes`);
}

function tooLong(): Problem {
  return tooLarge(`A line may have ${MAX_BODY_BYTES} bytes at most.`);
}

function tooMuch(most: string): Problem {
  return tooLarge(`The body may have ${most} at most; the lines before were carried out.`);
}

function tooLarge(detail: string): Problem {
  return new Problem("body_too_large", detail, { headers: { connection: "close" } });
}
