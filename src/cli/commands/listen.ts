import type { Command } from "commander";
import { publicKeysOf } from "../../client/signing.ts";
import { Ringback } from "../../client/ringback.ts";
import { readWebhookKey } from "../../client/webhook-keys.ts";
import { newSecret } from "../../core/signature.ts";
import { examples, withConnection } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { collect, collectList, positiveNumber, wholeNumber } from "../api/input.ts";
import { findConnection, openOutput } from "../api/session.ts";
import type { ServerOptions } from "../api/session.ts";
import { CliError, EXIT, usageError } from "../exit.ts";
import { createAnswers, parseSequence, parseStatus } from "../listen/answers.ts";
import type { AnswerOptions } from "../listen/answers.ts";
import { startReceiver } from "../listen/receive.ts";
import type { Keys } from "../listen/receive.ts";
import { showCall } from "../listen/show-call.ts";
import type { Output } from "../output/output.ts";

interface ListenOptions extends ServerOptions, AnswerOptions {
  port: number;
  host: string;
  key?: string[];
  endpoint?: string;
  origin?: string;
  register?: true;
  events?: string[];
  registerUrl?: string;
  count?: number;
  full?: true;
}

/** `ringback listen` */
export function addListen(cli: Cli, program: Command): void {
  const command = program
    .command("listen")
    .description("receive webhooks here: verify, print and answer them; Ctrl-C ends it")
    .option("--port <port>", "where to listen; 0: any free one", wholeNumber, 4000)
    .option("--host <address>", "on which address", "127.0.0.1")
    .option("--status <code>", "what to answer", parseStatus, 204)
    .option("--sequence <codes>", "answer these one after the other; the last stays", parseSequence)
    .option("--delay <ms>", "wait before each answer", wholeNumber, 0)
    .option("--key <key>", "verify with this whsec_ or whpk_ instead of the server's", collect)
    .option("--endpoint <id>", "verify with the secret of this endpoint")
    .option("--origin <url>", "verify with the secret of these callback URLs, of a tunnel's say")
    .option("--register", "make an endpoint for this receiver, and delete it at the end")
    .option("--events <list>", "with --register: these only", collectList)
    .option("--register-url <url>", "with --register: the URL of a tunnel that leads here")
    .option("--count <n>", "end after so many genuine calls", positiveNumber)
    .option("--full", "print headers and whole bodies");
  withConnection(command).action(async (options: ListenOptions) => {
    cli.end(await listen(cli, options));
  });
  examples(
    command,
    "listen",
    "listen --register --events job.completed",
    "listen --sequence 500,500,204 --delay 200",
    "listen --key whsec_… --count 1 --json",
  );
}

async function listen(cli: Cli, options: ListenOptions): Promise<number> {
  const { terminal } = cli;
  const out = openOutput(options, terminal);
  const client = findClient(options, terminal.environment);
  let keys: Keys = { secrets: [], publicKeys: [] };
  const given = options.key === undefined ? null : sort(options.key);
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const release = terminal.onInterrupt(end);
  let left = options.count ?? Infinity;
  const receiver = await startReceiver({
    host: options.host,
    port: options.port,
    async findKeys(url) {
      keys = given ?? (await findKeys(client, options, url, out));
      return keys;
    },
    nextStatus: createAnswers(options),
    delayMs: options.delay,
    onCall(call) {
      out.item(call, () => showCall(out, call, options.full === true));
      if (call.verified === false) return;
      left -= 1;
      if (left <= 0) end();
    },
  });
  let registered: string | null = null;
  try {
    if (options.register === true) {
      const url = options.registerUrl ?? receiver.url;
      registered = await register(needed(client), { url, keys, events: options.events ?? [] });
      out.note(`Registered ${registered} for ${url}; it is deleted at the end.`);
    }
    out.note(`Listening on ${receiver.url}`);
    await ended;
  } finally {
    release();
    if (registered !== null) await needed(client).endpoints.delete(registered);
    await receiver.close();
  }
  return EXIT.ok;
}

function findClient(
  options: ListenOptions,
  environment: NodeJS.ProcessEnv | undefined,
): Ringback | null {
  const { url, apiKey } = findConnection(options, environment);
  return apiKey === null ? null : new Ringback({ apiKey, baseUrl: url, maxRetries: 1 });
}

function needed(client: Ringback | null): Ringback {
  if (client !== null) return client;
  throw new CliError(
    EXIT.refused,
    "--register, --endpoint and --origin need an API key (RINGBACK_API_KEY)",
  );
}

/** The keys that the server signs with, as far as this key may read them. */
async function findKeys(
  client: Ringback | null,
  { register: own, endpoint, origin }: ListenOptions,
  url: string,
  out: Output,
): Promise<Keys> {
  if (own === true) {
    const publicKeys = publicKeysOf(await needed(client).signing.keys());
    return { secrets: [newSecret()], publicKeys };
  }
  if (endpoint !== undefined) {
    const { endpoints, signing } = needed(client);
    return {
      secrets: [await endpoints.secret(endpoint)],
      publicKeys: publicKeysOf(await signing.keys()),
    };
  }
  if (origin !== undefined) return await keysOf(needed(client), [origin]);
  try {
    if (client === null) throw new Error("there is no API key");
    return await keysOf(client, namesOf(url));
  } catch (error) {
    out.note(`Calls are not verified (${(error as Error).message}); --key gives a secret.`);
    return { secrets: [], publicKeys: [] };
  }
}

async function keysOf({ signing }: Ringback, origins: string[]): Promise<Keys> {
  return {
    secrets: await Promise.all(origins.map((origin) => signing.secretFor(origin))),
    publicKeys: publicKeysOf(await signing.keys()),
  };
}

/** The URL by both names of this machine, as the secret of a callback URL depends on its name. */
function namesOf(url: string): string[] {
  const other = new URL(url);
  if (!["127.0.0.1", "[::1]", "localhost"].includes(other.hostname)) return [url];
  other.hostname = other.hostname === "localhost" ? "127.0.0.1" : "localhost";
  return [url, other.href];
}

function sort(keys: string[]): Keys {
  try {
    for (const key of keys) readWebhookKey(key);
  } catch (error) {
    // the message does not show the key
    throw usageError(`--key: ${(error as Error).message}`);
  }
  const publicKeys = keys.filter((key) => key.startsWith("whpk_"));
  return { publicKeys, secrets: keys.filter((key) => !publicKeys.includes(key)) };
}

async function register(
  client: Ringback,
  { url, keys, events }: { url: string; keys: Keys; events: string[] },
): Promise<string> {
  const secret = keys.secrets[0];
  const { id } = await client.endpoints.create({
    url,
    events,
    description: "ringback listen",
    ...(secret === undefined ? {} : { secret }),
  });
  return id;
}
