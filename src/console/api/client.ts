import { bodyText } from "../../client/json-text.ts";

/** An answer that is a problem (RFC 9457), or no answer at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  readonly errors: { pointer?: string; parameter?: string; detail: string }[];

  constructor(status: number, problem: Partial<ProblemBody>, requestId: string | null) {
    super(problem.detail ?? problem.title ?? `The server answered ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.code = problem.code ?? "unknown";
    this.requestId = problem.request_id ?? requestId;
    this.errors = problem.errors ?? [];
  }
}

interface ProblemBody {
  code: string;
  title: string;
  detail: string;
  request_id: string;
  errors: ApiError["errors"];
}

export type Query = Record<string, string | number | boolean | null | undefined>;

interface RequestOptions {
  query?: Query;
  body?: object;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

let csrfToken: string | null = null;
let whenSignedOut: () => void = () => undefined;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Called when the server says that the session is over. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

/**
 * One call to the API, by the session's cookie.
 * @throws ApiError
 */
async function request<T>(method: string, path: string, options: RequestOptions): Promise<T> {
  const text = await requestText(method, path, options);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

async function requestText(method: string, path: string, options: RequestOptions): Promise<string> {
  const response = await send(method, path, options);
  const text = await response.text();
  if (response.ok) return text;
  if (response.status === 401 && path.startsWith("/v1/")) whenSignedOut();
  throw new ApiError(response.status, parseProblem(text), response.headers.get("x-request-id"));
}

async function send(
  method: string,
  path: string,
  { query = {}, body, headers = {}, signal }: RequestOptions,
): Promise<Response> {
  try {
    return await fetch(path + queryText(query), {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(method === "GET" || csrfToken === null ? {} : { "x-ringback-csrf": csrfToken }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: bodyText(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const detail = "The server can't be reached. It may be restarting, or the network is down.";
    throw new ApiError(0, { code: "unreachable", detail }, null);
  }
}

function parseProblem(text: string): Partial<ProblemBody> {
  try {
    return JSON.parse(text) as Partial<ProblemBody>;
  } catch {
    return {};
  }
}

function queryText(query: Query): string {
  const given = Object.entries(query).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal) =>
    request<T>("GET", path, { ...(query && { query }), ...(signal && { signal }) }),
  /** The answer as it is written: numbers may have more digits than a double. */
  getText: (path: string, signal: AbortSignal) => requestText("GET", path, { signal }),
  post: <T>(path: string, body?: object, headers?: Record<string, string>) =>
    request<T>("POST", path, { body, ...(headers && { headers }) }),
  patch: <T>(path: string, body: object) => request<T>("PATCH", path, { body }),
  delete: (path: string) => request<void>("DELETE", path, {}),
};
