import { createKeyCaller } from "../../client/caller.ts";
import type { ApiCaller } from "../../client/caller.ts";
import { Ringback } from "../../client/ringback.ts";
import { readClientConfig } from "../../config.ts";
import { parseExactly } from "../../core/json-text.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { findGeneratedApiKey } from "../../server/generated-keys.ts";
import { createOutput } from "../output/output.ts";
import type { Output } from "../output/output.ts";
import type { Terminal } from "../terminal.ts";

/** The session of a command with a server, and its output. */
export interface CliSession {
  client: Ringback;
  /** The caller for endless answers. */
  caller: ApiCaller;
  url: string;
  out: Output;
  terminal: Terminal;
  /** Aborted at Ctrl-C. */
  interrupted: AbortSignal;
}

export interface ServerOptions {
  url?: string;
  apiKey?: string;
  json?: boolean;
}

const DEFAULT_URL = "http://127.0.0.1:3000";
/** Retries are few, as a person waits: three tries take a second. */
const MAX_RETRIES = 2;

export function findConnection(
  options: ServerOptions,
  environment: NodeJS.ProcessEnv | undefined,
): { url: string; apiKey: string | null } {
  const config = readClientConfig(environment);
  const url = (options.url ?? config.url ?? DEFAULT_URL).replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) {
    throw usageError(`--url must be an http(s) URL, not ${JSON.stringify(options.url)}`);
  }
  const given = options.apiKey ?? config.apiKey?.reveal();
  return { url, apiKey: given ?? (isLocal(url) ? findGeneratedApiKey(config.dataDir) : null) };
}

export function openOutput(options: ServerOptions, terminal: Terminal): Output {
  const { colour } = readClientConfig(terminal.environment);
  return createOutput(terminal, { json: options.json ?? false, colour });
}

export function openSession(
  options: ServerOptions,
  terminal: Terminal,
  interrupted: AbortSignal,
): CliSession {
  const { url, apiKey } = findConnection(options, terminal.environment);
  if (apiKey === null) {
    const start = isLocal(url) ? " (`ringback serve`, started in this folder, makes one)" : "";
    throw new CliError(
      EXIT.refused,
      `no API key for ${url}: give one by --api-key or RINGBACK_API_KEY${start}`,
    );
  }
  const clientOptions = { apiKey, baseUrl: url, maxRetries: MAX_RETRIES, parse: parseExactly };
  return {
    client: makeClient(clientOptions),
    caller: createKeyCaller(clientOptions),
    url,
    out: openOutput(options, terminal),
    terminal,
    interrupted,
  };
}

function makeClient(options: ConstructorParameters<typeof Ringback>[0]): Ringback {
  try {
    return new Ringback(options);
  } catch (error) {
    // the message does not show the key
    throw usageError((error as Error).message);
  }
}

/** Whether a server is local, so that it may get the generated key of this folder. */
function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127\.[\d.]+$/.test(hostname);
}
