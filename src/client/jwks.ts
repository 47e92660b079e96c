import { readJwk } from "./webhook-keys.ts";
import type { WebhookKey } from "./webhook-keys.ts";
import { withTimeout } from "./with-timeout.ts";

/** A JSON Web Key Set (RFC 7517) as it is written; keys other than Ed25519 are passed over. */
export interface JwksDocument {
  keys: readonly unknown[];
}

/** Public keys that are found by their ids. */
export interface KeySet {
  /** @param kids those of the call; null: it names none */
  find(kids: readonly string[] | null): Promise<readonly WebhookKey[]>;
}

export interface RemoteJwksOptions {
  /** For how long a fetched set is used. Default: the `max-age` it came with, or 300. */
  maxAgeSeconds?: number;
  /** At most one fetch in this time, whatever keys are called for. Default: 10. */
  cooldownSeconds?: number;
  /** For a fetch, in milliseconds. Default: 5,000. */
  timeoutMs?: number;
  /** In place of the platform's own. */
  fetch?: typeof fetch;
}

/** There are no keys to verify with, as they can't be fetched. It is not the call's fault. */
export class KeysUnavailableError extends Error {
  constructor(message: string, cause: unknown) {
    super(message, { cause });
    this.name = "KeysUnavailableError";
  }
}

/** @throws TypeError it is no key set, or has no Ed25519 key */
export function jwks(document: JwksDocument): KeySet {
  const keys = readKeys(document);
  return { find: async (kids) => select(keys, kids) };
}

const LONGEST_SET = 1_048_576;
/** How long a set is used beyond its age while it can't be fetched anew. */
const STALE_MS = 86_400_000;

/**
 * The keys at an address, such as `https://…/v1/accounts/acc_…/jwks.json`: fetched when they are
 * first needed and kept. A call that names an unknown key has them fetched anew, at most every
 * `cooldownSeconds`, whatever is called. While they can't be fetched the last ones are used, for a
 * day at most.
 */
export function remoteJwks(url: string | URL, options: RemoteJwksOptions = {}): KeySet {
  const address = new URL(url).href;
  const { cooldownSeconds = 10, timeoutMs = 5_000, fetch: fetching = fetch } = options;
  let kept: { keys: readonly WebhookKey[]; at: number; maxAgeMs: number } | null = null;
  let triedAt = -Infinity;
  let failure: unknown = null;
  let refreshing: Promise<void> | null = null;

  async function refresh(): Promise<void> {
    triedAt = performance.now();
    try {
      const { document, maxAge } = await read(fetching, address, timeoutMs);
      const maxAgeMs = (options.maxAgeSeconds ?? maxAge) * 1000;
      kept = { keys: readKeys(document), at: triedAt, maxAgeMs };
      failure = null;
    } catch (error) {
      failure = error;
    } finally {
      refreshing = null;
    }
  }

  return {
    async find(kids) {
      const now = performance.now();
      const old = kept === null || now - kept.at >= kept.maxAgeMs;
      const unknown = kids?.some((kid) => !kept?.keys.some((key) => key.kid === kid)) ?? false;
      if ((old || unknown) && refreshing === null && now - triedAt >= cooldownSeconds * 1000) {
        refreshing = refresh();
      }
      if (old || unknown) await refreshing;
      if (kept === null || performance.now() - kept.at >= kept.maxAgeMs + STALE_MS) {
        throw new KeysUnavailableError(`no keys could be fetched from ${address}`, failure);
      }
      return select(kept.keys, kids);
    },
  };
}

function select(keys: readonly WebhookKey[], kids: readonly string[] | null): WebhookKey[] {
  return keys.filter(({ kid }) => kids === null || kid === undefined || kids.includes(kid));
}

function readKeys(document: unknown): WebhookKey[] {
  const { keys } = (document ?? {}) as { keys?: unknown };
  if (!Array.isArray(keys)) throw new TypeError("a JSON Web Key Set must have a list of keys");
  const usable = keys.map(readJwk).filter((key) => key !== null);
  if (usable.length === 0) throw new TypeError("a JSON Web Key Set must have an Ed25519 key");
  return usable;
}

async function read(
  fetching: typeof fetch,
  address: string,
  timeoutMs: number,
): Promise<{ document: unknown; maxAge: number }> {
  const late = () => new Error(`no answer within ${timeoutMs} ms`);
  return await withTimeout({ timeoutMs }, late, async (signal) => {
    const response = await fetching(address, {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: signal ?? null,
    });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    const maxAge = /max-age=(\d{1,9})/.exec(response.headers.get("cache-control") ?? "")?.[1];
    const document: unknown = JSON.parse(await readText(response));
    return { document, maxAge: maxAge === undefined ? 300 : Number(maxAge) };
  });
}

async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done || value === undefined) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length > LONGEST_SET) {
      await reader?.cancel();
      throw new Error(`a JSON Web Key Set may not be longer than ${LONGEST_SET} bytes`);
    }
  }
}
