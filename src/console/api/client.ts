import { createCaller, problemOf } from "../../client/caller.ts";
import type { AnswerOf, Call, OperationName, QueryOf } from "../../client/caller.ts";
import { RingbackError } from "../../client/errors.ts";
import { bodyText } from "../../client/json-text.ts";

export { RingbackError };

/** A filter as a page keeps it in its address. */
export type Query = Record<string, string | number | boolean | null | undefined>;

/** A call of the console. Filters come from addresses, so the server checks their values. */
interface ConsoleCall<Name extends OperationName> extends Pick<
  Call<Name>,
  "id" | "body" | "signal" | "idempotencyKey"
> {
  query?: QueryOf<Name> | Query | undefined;
}

let csrfToken: string | null = null;
let bearer: string | null = null;
let whenSignedOut: () => void = () => undefined;

export function setCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Has calls made with the token of a link, in place of the session of the console. */
export function setBearer(token: string): void {
  bearer = token;
}

/** Has a listener called when the server says that the session is over. */
export function onSignedOut(listener: () => void): void {
  whenSignedOut = listener;
}

/** The session's cookie authorizes; a change needs its token as well. A partner has the link's. */
const session = {
  baseUrl: "",
  maxRetries: 0,
  authorize(method: string): Record<string, string> {
    if (bearer !== null) return { authorization: `Bearer ${bearer}` };
    return method === "GET" || csrfToken === null ? {} : { "x-ringback-csrf": csrfToken };
  },
};
const caller = createCaller(session);
const texts = createCaller({ ...session, parse: (text) => text });

/** One call to the API. @throws RingbackError */
export async function call<Name extends OperationName>(
  name: Name,
  given: ConsoleCall<Name> = {},
): Promise<AnswerOf<Name>> {
  return (await watched(caller.call(name, toCall(given)))).body;
}

/** The answer as it is written: numbers may have more digits than a double. */
export async function callForText<Name extends OperationName>(
  name: Name,
  given: ConsoleCall<Name>,
): Promise<string> {
  return (await watched(texts.call(name, toCall(given)))).body as string;
}

function toCall<Name extends OperationName>({
  query = {},
  ...rest
}: ConsoleCall<Name>): Call<Name> {
  const set = Object.entries(query as object).filter(([, value]) => value !== "");
  return { ...rest, query: Object.fromEntries(set) as QueryOf<Name> };
}

async function watched<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RingbackError && error.status === 401) whenSignedOut();
    throw error;
  }
}

/** Calls `/console/session`, which is no part of the described API. @throws RingbackError */
export async function callSession<T>(method: "GET" | "POST" | "DELETE", body?: object): Promise<T> {
  const request = {
    method,
    headers: { ...session.authorize(method), "content-type": "application/json" },
    ...(body === undefined ? {} : { body: bodyText(body) }),
  };
  const response = await fetch("/console/session", request).catch((cause: Error) => {
    throw new RingbackError({ code: "connection_failed", detail: cause.message, cause });
  });
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** The text of an error for the person who looks at it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof RingbackError))
    return error instanceof Error ? error.message : String(error);
  if (error.status !== null) return error.detail;
  return "The server can't be reached. It may be restarting, or the network is down.";
}
