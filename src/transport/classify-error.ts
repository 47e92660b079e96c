import type { ExchangeErrorCode } from "../core/exchange.ts";
import { TargetBlockedError } from "./target-guard.ts";

export interface ExchangeError {
  code: ExchangeErrorCode;
  message: string;
}

const CONNECT_CODES = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "EADDRINUSE",
  "EACCES",
  "EPERM",
  "EINVAL",
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
]);

const RESET_CODES = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ENOTCONN", "UND_ERR_SOCKET"]);

const TIMEOUT_CODES = new Set(["ETIMEDOUT", "UND_ERR_CONNECT_TIMEOUT"]);

const DNS_CODE = /^(EAI_\w+|ENOTFOUND|ENODATA|ESERVFAIL|ENONAME|ENOTIMP|EREFUSED|EBADNAME)$/;

// ERR_SSL_* and ERR_TLS_* are Node's and OpenSSL's; the others are the X509_V_ERR_* names that
// Node's TLS documentation lists, without their prefix.
const TLS_CODE =
  /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|OUT_OF_MEM$)/;

const MAX_MESSAGE = 300;

/** Reads a property of anything thrown; errors of another realm are no `instanceof Error` here. */
function field(thrown: unknown, name: string): unknown {
  return typeof thrown === "object" && thrown !== null ? Reflect.get(thrown, name) : undefined;
}

function text(thrown: unknown, name: string): string {
  const value = field(thrown, name);
  return typeof value === "string" ? value : "";
}

function codeOf(error: unknown): string {
  return text(error, "code");
}

/** One error for all the addresses tried: a timeout if any timed out, else the last failure. */
function unwrap(error: unknown): unknown {
  const errors = field(error, "errors");
  if (!Array.isArray(errors) || errors.length === 0) return error;
  const list: unknown[] = errors;
  return unwrap(list.find((one) => codeOf(one) === "ETIMEDOUT") ?? list.at(-1));
}

function category(error: unknown, code: string): ExchangeErrorCode {
  if (error instanceof TargetBlockedError) return "target_blocked";
  if (DNS_CODE.test(code)) return "dns";
  if (CONNECT_CODES.has(code)) return "connect";
  if (TIMEOUT_CODES.has(code)) return "timeout";
  if (TLS_CODE.test(code)) return "tls";
  // "bad response" and "bad upgrade": an answer to no question. Other socket errors are closures.
  if (code === "UND_ERR_SOCKET" && text(error, "message").startsWith("bad ")) return "protocol";
  return RESET_CODES.has(code) ? "reset" : "protocol";
}

/** Short text for people: one line, no NUL, which Postgres text cannot hold. */
function describe(error: unknown): string {
  // OpenSSL's own message carries thread ids and source lines; Node keeps the reason apart.
  const said = text(error, "reason") || text(error, "message") || codeOf(error);
  const whole = typeof error === "string" ? error : said;
  // Node adds advice about its own flags to some certificate errors.
  const [firstLine = ""] = whole.trim().split(/[\r\n]|; if the root CA/, 1);
  return firstLine.replaceAll("\0", "\uFFFD").slice(0, MAX_MESSAGE) || "unknown error";
}

/** Names what went wrong in an exchange. Whatever is not known better is `protocol`. */
export function classifyError(thrown: unknown): ExchangeError {
  const error = unwrap(thrown);
  return { code: category(error, codeOf(error)), message: describe(error) };
}
