/** What of an attempt's request headers its message says already. */
export interface HeaderSource {
  /** As the receiver sees it: `msg_…`. */
  webhookId: string;
  requestId: string;
  traceId: string;
  number: number;
}

type Headers = Record<string, string>;

/** The headers that every attempt sends, in the order they are sent. */
const FIXED = [
  "content-type",
  "user-agent",
  "webhook-id",
  "webhook-timestamp",
  "webhook-signature",
  "traceparent",
  "x-request-id",
  "ringback-attempt",
] as const;

function known({ webhookId, requestId, number }: HeaderSource): Headers {
  return {
    "content-type": "application/json",
    "webhook-id": webhookId,
    "x-request-id": requestId,
    "ringback-attempt": String(number),
  };
}

/** The headers without what can be told from the message, as they are kept for years. */
export function packHeaders(headers: Headers, source: HeaderSource): Headers {
  const told = known(source);
  const packed: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (told[name] !== value) packed[name] = value;
  }
  const { traceparent } = packed;
  const prefix = `00-${source.traceId}-`;
  if (traceparent?.startsWith(prefix) === true && traceparent.endsWith("-01")) {
    packed["traceparent"] = traceparent.slice(prefix.length, -3);
  }
  return packed;
}

/** The inverse. */
export function unpackHeaders(packed: Headers, source: HeaderSource): Headers {
  const all = { ...known(source), ...packed };
  const span = all["traceparent"];
  if (span !== undefined && !span.includes("-")) {
    all["traceparent"] = `00-${source.traceId}-${span}-01`;
  }
  const custom = Object.entries(packed).filter(
    ([name]) => !(FIXED as readonly string[]).includes(name),
  );
  const fixed = FIXED.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]]));
  return Object.fromEntries([...custom, ...fixed]) as Headers;
}
