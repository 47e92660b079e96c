/** Facts from which most of an attempt's request headers follow. */
export interface HeaderSource {
  /** As the receiver sees it: `msg_…`. */
  webhookId: string;
  requestId: string;
  traceId: string;
  attemptId: string;
  number: number;
  startedAt: Date;
}

type Headers = Record<string, string>;

/** The headers that the service itself sends, in the order they are sent. */
const FIXED = [
  "content-type",
  "user-agent",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
  "webhook-key-id",
  "traceparent",
  "x-request-id",
  "ringback-attempt",
] as const;

/** Every attempt is a span of its own in the trace of the submission, named by its id's random part. */
export function traceparent({ traceId, attemptId }: Pick<HeaderSource, "traceId" | "attemptId">) {
  return `00-${traceId}-${attemptId.slice(19, 23)}${attemptId.slice(24)}-01`;
}

export function timestampOf(startedAt: Date): string {
  return String(Math.floor(startedAt.getTime() / 1000));
}

function known(source: HeaderSource): Headers {
  return {
    "content-type": "application/json",
    "webhook-id": source.webhookId,
    "webhook-timestamp": timestampOf(source.startedAt),
    traceparent: traceparent(source),
    "x-request-id": source.requestId,
    "ringback-attempt": String(source.number),
  };
}

/** The headers without what can be told from the rest, as they are kept for long. */
export function packHeaders(headers: Headers, source: HeaderSource): Headers {
  const told = known(source);
  const packed: Headers = {};
  for (const name in headers) {
    if (told[name] !== headers[name]) packed[name] = headers[name]!;
  }
  return packed;
}

/** The inverse. */
export function unpackHeaders(packed: Headers, source: HeaderSource): Headers {
  const all = { ...known(source), ...packed };
  const custom = Object.entries(packed).filter(
    ([name]) => !(FIXED as readonly string[]).includes(name),
  );
  const fixed = FIXED.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]]));
  return Object.fromEntries([...custom, ...fixed]) as Headers;
}
