import { randomBytes } from "node:crypto";

/** What every figure is about: a webhook's body of this many bytes. */
export const BODY_BYTES = 1_024;
/** Enough that no page of the database holds one twice. */
const VARIANTS = 64;

/** Texts of `bytes` ASCII characters that don't compress, made by filling up what `frame` leaves. */
function makeBodies(bytes: number, frame: (fill: string) => string, variants = VARIANTS): string[] {
  const free = bytes - frame("").length;
  if (free < 0) throw new Error(`${bytes} bytes are too few for ${frame("")}`);
  return Array.from({ length: variants }, () =>
    frame(randomBytes(free).toString("base64url").slice(0, free)),
  );
}

/** The text of a webhook of one's own. */
export function webhookBodies(bytes = BODY_BYTES, variants = VARIANTS): string[] {
  const timestamp = new Date().toISOString();
  return makeBodies(
    bytes,
    (fill) => `{"type":"bench.drain","timestamp":"${timestamp}","data":{"fill":"${fill}"}}`,
    variants,
  );
}

/** What the webhook of a `demo.echo` job has around its result, about. */
const EVENT_FRAME_BYTES = 325;

/** Requests for jobs whose webhook has a body of BODY_BYTES. */
export function jobRequests(callbackUrl: string | null): string[] {
  const callback = callbackUrl === null ? {} : { callback_url: callbackUrl };
  return makeBodies(BODY_BYTES - EVENT_FRAME_BYTES, (fill) => JSON.stringify({ fill })).map(
    (input) => JSON.stringify({ type: "demo.echo", input: JSON.parse(input), ...callback }),
  );
}

/** Requests of exactly BODY_BYTES. */
export function submitRequests(callbackUrl: string): string[] {
  return makeBodies(BODY_BYTES, (fill) =>
    JSON.stringify({ type: "demo.echo", input: { fill }, callback_url: callbackUrl }),
  );
}

/** What the webhook of a message has and its request has not. */
const TIMESTAMP_BYTES = `"timestamp":"${new Date(0).toISOString()}",`.length;

/** Messages whose webhook has a body of BODY_BYTES. */
export function messageRequests(type: string, variants = VARIANTS): string[] {
  const frame = (fill: string): string => JSON.stringify({ type, data: { fill } });
  return makeBodies(BODY_BYTES - TIMESTAMP_BYTES, frame, variants);
}

/** The same as they are sent in groups: one object a line. */
export function messageLines(types: readonly string[], lines: number): string[] {
  const groups = Math.max(1, Math.ceil(VARIANTS / lines));
  const typeOf = (n: number): string => types[n % types.length]!;
  return Array.from({ length: groups }, (_, group) =>
    Array.from({ length: lines }, (_line, n) => messageRequests(typeOf(group * lines + n), 1)[0]!)
      .map((line) => `${line}\n`)
      .join(""),
  );
}

/** A JSON object of so many bytes, with a place for the key of its request. */
export function markedObject(mark: string, bytes: number): string {
  return makeBodies(bytes, (fill) => JSON.stringify({ bench_key: mark, fill }), 1)[0]!;
}

export function apiHeaders(apiKey: string): Record<string, string> {
  return { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
}
