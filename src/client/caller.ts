import { fromEnvironment } from "./environment.ts";
import { RingbackError } from "./errors.ts";
import { bodyText } from "./json-text.ts";
import type { Operations, Problem } from "./openapi-types.ts";
import { mayRetry, pause, pauseBefore } from "./retry.ts";
import { withTimeout } from "./with-timeout.ts";

export interface RingbackOptions extends CallDefaults {
  /** `rk_…`. Default: `RINGBACK_API_KEY` of the environment. */
  apiKey?: string | undefined;
  /**
   * Where the service is, such as `https://ringback.example`. Default: `RINGBACK_URL` of the
   * environment, else `http://127.0.0.1:3000`.
   */
  baseUrl?: string | undefined;
}

/** How calls are made unless they say otherwise. */
interface CallDefaults {
  /** Takes the place of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
  /** For one try of a call, answer included. Default: 30 s. */
  timeoutMs?: number;
  /** How often a call that may be repeated is made again. Default: 4. */
  maxRetries?: number;
  /**
   * Reads the JSON of answers and events. Default: `JSON.parse`, which rounds numbers to doubles;
   * give one that keeps them when the input or metadata of your jobs has longer ones.
   */
  parse?: (text: string) => unknown;
}

/** Options that every call takes. */
export interface CallOptions {
  /** Ends the call; it rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Overrides the client's. */
  timeoutMs?: number | undefined;
}

/** `METHOD /path/{id}` of the API. */
export type OperationName = keyof Operations;

type Given<Name extends OperationName, Part extends string> =
  Operations[Name] extends Record<Part, infer Value> ? Value : never;

export type QueryOf<Name extends OperationName> = Given<Name, "query">;
export type BodyOf<Name extends OperationName> = Given<Name, "body">;
export type AnswerOf<Name extends OperationName> = Operations[Name]["answer"];

export interface Call<Name extends OperationName> extends CallOptions {
  /** Fills in the `{id}` of the path. */
  id?: string;
  query?: QueryOf<Name> | undefined;
  /** An array is sent as JSON Lines. */
  body?: BodyOf<Name>;
  /** Makes it safe to repeat: the service does it once. */
  idempotencyKey?: string | undefined;
  /** It is safe to repeat for another reason. */
  repeatable?: boolean;
  /** Asks the service to hold the answer back for this long while there is nothing to tell. */
  waitS?: number;
}

export interface ApiAnswer<Body> {
  body: Body;
  headers: Headers;
}

/** Makes calls: authorized, timed, repeated where that is safe. */
export interface ApiCaller {
  call<Name extends OperationName>(
    name: Name,
    call?: Call<Name>,
  ): Promise<ApiAnswer<AnswerOf<Name>>>;
  /** An answer that goes on. The timeout is for its beginning only. */
  stream(path: string, headers: Record<string, string>, options: CallOptions): Promise<Response>;
  /** Reads JSON as the client's options say. */
  parse(text: string): unknown;
}

const LINES_TYPE = "application/x-ndjson";
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_RETRIES = 4;
const DEFAULT_URL = "http://127.0.0.1:3000";

type Parse = (text: string) => unknown;

interface HttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/** Calls with an API key. @throws TypeError the options are no good */
export function createKeyCaller(options: RingbackOptions): ApiCaller {
  const apiKey = options.apiKey ?? fromEnvironment("RINGBACK_API_KEY");
  const baseUrl = options.baseUrl ?? fromEnvironment("RINGBACK_URL") ?? DEFAULT_URL;
  if (apiKey === undefined) {
    throw new TypeError("there is no API key: give apiKey, or set RINGBACK_API_KEY");
  }
  if (typeof apiKey !== "string" || !/^[!-~]+$/.test(apiKey)) {
    throw new TypeError("apiKey must be the text of an API key (rk_…)");
  }
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? "")) {
    throw new TypeError("baseUrl must be an http(s) URL, such as https://ringback.example");
  }
  const authorization = `Bearer ${apiKey}`;
  return createCaller({ ...options, baseUrl, authorize: () => ({ authorization }) });
}

export interface CallerOptions extends CallDefaults {
  /** Stands before each path; empty: the origin of the page. */
  baseUrl: string;
  /** The headers that authorize a call of this method. */
  authorize(method: string): Record<string, string>;
}

export function createCaller(options: CallerOptions): ApiCaller {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, maxRetries = DEFAULT_RETRIES } = options;
  const { parse = JSON.parse, authorize } = options;
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const doFetch: typeof globalThis.fetch = (...args) =>
    (options.fetch ?? globalThis.fetch)(...args);

  return {
    async call(name, call = {}) {
      const [method = "", path = ""] = name.split(" ");
      const { query, body, idempotencyKey, waitS = 0 } = call;
      const exchange: HttpRequest = {
        method,
        url: `${baseUrl}${fillIn(path, call.id)}${queryText(query ?? {})}`,
        headers: {
          ...authorize(method),
          accept: `application/json, ${LINES_TYPE}, application/problem+json`,
          ...(body === undefined ? {} : { "content-type": contentType(body) }),
          ...(idempotencyKey === undefined
            ? {}
            : { "idempotency-key": JSON.stringify(idempotencyKey) }),
          ...(waitS > 0 ? { prefer: `wait=${waitS}` } : {}),
        },
        body: body === undefined ? undefined : encode(body),
        timeoutMs: (call.timeoutMs ?? timeoutMs) + waitS * 1000,
        signal: call.signal,
      };
      const repeatable =
        method !== "POST" || idempotencyKey !== undefined || call.repeatable === true;
      return await persevere(doFetch, exchange, { repeatable, maxRetries, parse });
    },

    async stream(path, headers, { signal }) {
      const accept = "text/event-stream, application/problem+json";
      const request = { headers: { ...authorize("GET"), accept, ...headers } };
      const begin = (both: AbortSignal | undefined) =>
        doFetch(`${baseUrl}${path}`, { ...request, signal: both ?? null });
      try {
        const response = await withTimeout({ timeoutMs, signal }, () => timeout(timeoutMs), begin);
        if (!response.ok) throw await problemOf(response);
        return response;
      } catch (error) {
        signal?.throwIfAborted();
        throw asRingbackError(error);
      }
    },

    parse: (text) => parse(text),
  };
}

async function persevere(
  doFetch: typeof globalThis.fetch,
  exchange: HttpRequest,
  { repeatable, maxRetries, parse }: { repeatable: boolean; maxRetries: number; parse: Parse },
): Promise<ApiAnswer<never>> {
  for (let attempts = 1; ; attempts += 1) {
    const tried = await attempt(doFetch, exchange, parse, attempts);
    if (!("error" in tried)) return tried;
    const { error, retryAfter } = tried;
    if (attempts > maxRetries || !mayRetry(error, repeatable)) throw error;
    const waitMs = pauseBefore(attempts, retryAfter);
    if (waitMs === null) throw error;
    await pause(waitMs, exchange.signal);
  }
}

async function attempt(
  doFetch: typeof globalThis.fetch,
  { method, url, headers, body, timeoutMs, signal }: HttpRequest,
  parse: Parse,
  attempts: number,
): Promise<ApiAnswer<never> | { error: RingbackError; retryAfter: string | null }> {
  let retryAfter: string | null = null;
  const exchange = async (both: AbortSignal | undefined) => {
    const request = { method, headers, signal: both ?? null };
    const response = await doFetch(url, body === undefined ? request : { ...request, body });
    retryAfter = response.headers.get("retry-after");
    if (!response.ok) throw await problemOf(response, attempts);
    return { body: await readJson(response, parse, attempts), headers: response.headers };
  };
  try {
    return await withTimeout({ timeoutMs, signal }, () => timeout(timeoutMs), exchange);
  } catch (error) {
    signal?.throwIfAborted();
    return { error: asRingbackError(error, attempts), retryAfter };
  }
}

function timeout(ms: number): RingbackError {
  return new RingbackError({ code: "timed_out", detail: `no answer within ${ms} ms` });
}

/** The error for a throw of `fetch`: our own timeout, or a connection that failed. */
function asRingbackError(error: unknown, attempts = 1): RingbackError {
  if (error instanceof RingbackError) {
    const { code, detail, status, requestId, errors } = error;
    if (status !== null) return error;
    return new RingbackError({ code, detail, errors, requestId: requestId ?? undefined, attempts });
  }
  const { message, cause } = error as Error;
  const reason = (cause as { message?: unknown } | undefined)?.message;
  const detail = typeof reason === "string" && reason !== "" ? `${message} (${reason})` : message;
  return new RingbackError({ code: "connection_failed", detail, attempts, cause: error });
}

/** The error of an answer that is a problem. */
export async function problemOf(response: Response, attempts = 1): Promise<RingbackError> {
  const { status } = response;
  const text = await response.text();
  const problem = parseProblem(text);
  const requestId = problem?.request_id ?? response.headers.get("x-request-id") ?? undefined;
  if (problem === null) {
    const detail = `HTTP ${status} that is no answer of Ringback: ${text.slice(0, 200)}`;
    return new RingbackError({ code: "answer_malformed", detail, status, requestId, attempts });
  }
  const { code, detail, errors } = problem;
  return new RingbackError({ code, detail, status, errors, requestId, attempts });
}

function parseProblem(text: string): (Partial<Problem> & Pick<Problem, "code" | "detail">) | null {
  try {
    const body = JSON.parse(text) as Partial<Problem> | null;
    if (typeof body?.code !== "string") return null;
    return { ...body, code: body.code, detail: body.detail ?? body.title ?? body.code };
  } catch {
    return null;
  }
}

// `never`: the operation names the type
async function readJson(response: Response, parse: Parse, attempts: number): Promise<never> {
  const text = await response.text();
  try {
    const isLines = response.headers.get("content-type")?.startsWith(LINES_TYPE) === true;
    if (isLines) return text.trimEnd().split("\n").map(parse) as never;
    return (text === "" ? undefined : parse(text)) as never;
  } catch (cause) {
    throw new RingbackError({
      code: "answer_malformed",
      detail: `the answer is not JSON: ${text.slice(0, 200)}`,
      status: response.status,
      attempts,
      cause,
    });
  }
}

function contentType(body: unknown): string {
  return Array.isArray(body) ? LINES_TYPE : "application/json";
}

function encode(body: unknown): string {
  if (!Array.isArray(body)) return bodyText(body as object);
  return (body as object[]).map((line) => `${bodyText(line)}\n`).join("");
}

function fillIn(path: string, id: string | undefined): string {
  if (!path.includes("{id}")) return path;
  if (typeof id !== "string" || id === "") throw new TypeError("an id must be given");
  return path.replace("{id}", encodeURIComponent(id));
}

function queryText(query: object): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  if (given.length === 0) return "";
  const pairs = given.map(([name, value]): [string, string] => [name, String(value)]);
  return `?${new URLSearchParams(pairs).toString()}`;
}
