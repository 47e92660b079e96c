/** Why an attempt got no usable answer. The names are part of the API. */
export const EXCHANGE_ERROR_CODES = [
  "dns",
  "connect",
  "tls",
  "timeout",
  "reset",
  "protocol",
  "target_blocked",
  "unsealable",
] as const;
export type ExchangeErrorCode = (typeof EXCHANGE_ERROR_CODES)[number];

/** The result of one HTTP attempt. */
export interface Exchange {
  startedAt: Date;
  /** Milliseconds from the start to the end of the exchange. */
  durationMs: number;
  /** The address dialled; null when none was. */
  remoteAddress: string | null;
  /** Null when no status line arrived. May be set beside `error`, for instance when the body stalls. */
  statusCode: number | null;
  responseHeaders: Record<string, string> | null;
  /** The first 16 KiB of the body as text. */
  responseBody: string | null;
  responseTruncated: boolean;
  error: { code: ExchangeErrorCode; message: string } | null;
}
