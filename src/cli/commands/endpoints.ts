import { Option } from "commander";
import type { Command } from "commander";
import { AUDIENCES, OPERATIONAL_FORMATS } from "../../core/operational-events.ts";
import { ENDPOINT_SORTS, ENDPOINT_STATUSES } from "../../core/endpoint.ts";
import type { QueryOf } from "../../client/caller.ts";
import type { EndpointChanges, EndpointInput } from "../../client/openapi-types.ts";
import { EXIT, usageError } from "../exit.ts";
import { parseMoment } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { showDelivery, showExchange } from "../api/delivery-view.ts";
import { showToEnd } from "../api/run-replay.ts";
import { endpointColumns, showEndpoint } from "../api/endpoint-view.ts";
import { collect, collectList, positiveNumber, readFields, wholeNumber } from "../api/input.ts";
import { showList, withPaging } from "../api/list.ts";
import type { ListOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";

interface Fields {
  description?: string;
  events?: string[];
  allEvents?: boolean;
  header?: string[];
  ordered?: boolean;
  maxInFlight?: number;
  rateLimit?: number | false;
  timeoutS?: number;
  maxAttempts?: number;
  retryBaseS?: number;
  retryFactor?: number;
  retryCapS?: number;
  retryDelaysS?: number[];
  finalStatus?: number[] | false;
  giveUpAfterS?: number;
  disableAfterS?: number | false;
  signatures?: string[];
  audience?: string;
  format?: string;
}

interface MissedOptions {
  since?: string;
  dryRun?: boolean;
  detach?: boolean;
}

interface DeleteOptions {
  discardDeadLetters?: boolean;
}

/** `ringback endpoints …` */
export function addEndpoints(cli: Cli, program: Command): void {
  const endpoints = program.command("endpoints").description("registered receivers");
  const list = withPaging(
    endpoints
      .command("list")
      .description("list endpoints with their backlog and last day, worst first")
      .addOption(
        new Option("--sort <order>", "in this order").choices(ENDPOINT_SORTS).default("worst"),
      )
      .addOption(new Option("--status <status>", "with this status").choices(ENDPOINT_STATUSES))
      .option("--q <text>", "with this in the description or URL"),
  );
  onApi(cli, list, async (session, options: ListOptions) => {
    const filter = queryOf(options, ["sort", "status", "q"]);
    const read = (page: { limit: number; cursor?: string }) => {
      const query = { ...filter, figures: "true", ...page } as QueryOf<"GET /v1/endpoints">;
      return session.client.request("GET /v1/endpoints", { query });
    };
    await showList(session, options, read, endpointColumns);
  });
  examples(
    list,
    "endpoints list",
    "endpoints list --status failing --q orders",
    "endpoints list --limit 500 --json",
  );
  const get = endpoints.command("get <id>").description("look at an endpoint");
  onApi(cli, get, async (session, id: string) => {
    const endpoint = await session.client.endpoints.get(id);
    session.out.answer(endpoint, () => showEndpoint(session, endpoint));
  });
  examples(get, "endpoints get ep_01…");
  addChanges(cli, endpoints);
  const remove = endpoints
    .command("delete <id>")
    .description("delete an endpoint; what is pending for it is canceled")
    .option("--discard-dead-letters", "take its dead letters out of the inbox");
  onApi(cli, remove, async ({ client, out }, id: string, options: DeleteOptions) => {
    await client.endpoints.delete(id, options);
    out.answer({ id, deleted: true }, () => out.line(`${id} is deleted.`));
  });
  examples(remove, "endpoints delete ep_01…", "endpoints delete ep_01… --discard-dead-letters");
  addStates(cli, endpoints);
  addSecrets(cli, endpoints);
}

function addChanges(cli: Cli, endpoints: Command): void {
  const create = withFields(
    endpoints.command("create <url>").description("register a receiver and print its secret"),
  );
  onApi(cli, create, async (session, url: string, fields: Fields) => {
    const body = { url, ...(await fieldsOf(fields)) } as EndpointInput;
    const endpoint = await session.client.endpoints.create(body);
    session.out.answer(endpoint, () => {
      showEndpoint(session, endpoint);
      session.out.line();
      session.out.details([["secret", endpoint.secret]]);
    });
  });
  examples(
    create,
    "endpoints create https://example.com/hooks --events job.completed,job.failed",
    "endpoints create http://127.0.0.1:4000/ --ordered --header x-tenant=blue",
    "endpoints create https://hooks.slack.com/services/T0/B0/x --audience operator --format slack",
  );
  const update = withFields(
    endpoints.command("update <id>").description("change an endpoint; the rest stays as it is"),
  ).option("--endpoint-url <url>", "call this URL from now on");
  onApi(cli, update, async (session, id: string, fields: Fields & { endpointUrl?: string }) => {
    const { endpointUrl } = fields;
    const changes = {
      ...(await fieldsOf(fields)),
      ...(endpointUrl === undefined ? {} : { url: endpointUrl }),
    } as EndpointChanges;
    if (Object.keys(changes).length === 0) throw usageError("say what to change: see --help");
    const endpoint = await session.client.endpoints.update(id, changes);
    session.out.answer(endpoint, () => showEndpoint(session, endpoint));
  });
  examples(
    update,
    "endpoints update ep_01… --rate-limit 50",
    "endpoints update ep_01… --all-events",
    "endpoints update ep_01… --signatures v1",
  );
}

function withFields(command: Command): Command {
  return command
    .option("--description <text>")
    .option("--events <list>", "send these only, comma-separated", collectList)
    .addOption(new Option("--all-events", "send every event but job.progress").conflicts("events"))
    .option("--header <name=value>", "send this header; may be repeated; replaces all", collect)
    .option("--ordered", "one at a time, in order")
    .option("--no-ordered", "in any order")
    .option("--max-in-flight <n>", "at most so many at once", wholeNumber)
    .option("--rate-limit <per second>", "at most so many a second", positiveNumber)
    .option("--no-rate-limit", "as fast as it answers")
    .option("--timeout-s <seconds>", "for a whole exchange", wholeNumber)
    .option("--max-attempts <n>", "then it is a dead letter", wholeNumber)
    .option("--retry-base-s <seconds>", "wait after the first failure", positiveNumber)
    .option("--retry-factor <n>", "growth of the wait", positiveNumber)
    .option("--retry-cap-s <seconds>", "longest wait", positiveNumber)
    .option("--retry-delays-s <list>", "the wait after each failure instead: 5,300,1800", numbers)
    .option("--final-status <list>", "answers that end it at once: 400,404", numbers)
    .option("--no-final-status", "no answer but 410 ends it at once")
    .option("--give-up-after-s <seconds>", "the longest a delivery is pending", wholeNumber)
    .option("--disable-after-s <seconds>", "disable it after failing for so long", wholeNumber)
    .option("--no-disable-after-s", "never disable it for failing")
    .option("--signatures <list>", "sign with these only: v1, v1a or both (v1,v1a)", collectList)
    .addOption(
      new Option(
        "--audience <who>",
        "account: the account's events; operator: what operators should know, and nothing else",
      ).choices(AUDIENCES),
    )
    .addOption(
      new Option("--format <format>", "of the body, for operators").choices(OPERATIONAL_FORMATS),
    );
}

async function fieldsOf(given: Fields): Promise<object> {
  const retry = defined({
    max_attempts: given.maxAttempts,
    base_s: given.retryBaseS,
    factor: given.retryFactor,
    cap_s: given.retryCapS,
    delays_s: given.retryDelaysS,
  });
  return defined({
    description: given.description,
    events: given.allEvents === true ? [] : given.events,
    headers: given.header === undefined ? undefined : await readFields(given.header),
    ordered: given.ordered,
    max_in_flight: given.maxInFlight,
    rate_limit_per_s: given.rateLimit === false ? null : given.rateLimit,
    timeout_s: given.timeoutS,
    final_status: given.finalStatus === false ? [] : given.finalStatus,
    give_up_after_s: given.giveUpAfterS,
    disable_after_s: given.disableAfterS === false ? null : given.disableAfterS,
    retry: Object.keys(retry).length === 0 ? undefined : retry,
    signatures: given.signatures,
    audience: given.audience,
    format: given.format,
  });
}

function numbers(list: string): number[] {
  return collectList(list, undefined).map(positiveNumber);
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function addStates(cli: Cli, endpoints: Command): void {
  const actions = {
    pause: "hold an endpoint's deliveries; nothing is lost",
    resume: "let a paused endpoint go on",
    enable: "send to a disabled endpoint again",
    disable: "make nothing more for an endpoint; what is pending becomes dead letters",
  } as const;
  for (const action of ["pause", "resume", "enable", "disable"] as const) {
    const command = endpoints.command(`${action} <id>`).description(actions[action]);
    onApi(cli, command, async (session, id: string) => {
      const endpoint = await session.client.endpoints[action](id);
      session.out.answer(endpoint, () => showEndpoint(session, endpoint));
    });
    examples(command, `endpoints ${action} ep_01…`);
  }
  const missed = endpoints
    .command("send-missed <id>")
    .description("send an endpoint what it did not get while it was disabled; Ctrl-C cancels")
    .option("--since <time>", "messages made since then; by default since the first it missed")
    .option("--dry-run", "only count them")
    .option("--detach", "don't wait for the end");
  onApi(cli, missed, async (session, id: string, options: MissedOptions) => {
    const { since, dryRun = false, detach } = options;
    const range = since === undefined ? {} : { since: parseMoment(since) };
    const replay = await session.client.endpoints.sendMissed(id, { ...range, dry_run: dryRun });
    await showToEnd(session, replay, detach);
  });
  examples(missed, "endpoints send-missed ep_01… --dry-run", "endpoints send-missed ep_01…");
  const test = endpoints
    .command("test <id>")
    .description("send an endpoint.test event at once, print the answer; 1 when it is not a 2xx");
  onApi(cli, test, async (session, id: string) => {
    const delivery = await session.client.endpoints.test(id, { signal: session.interrupted });
    session.out.answer(delivery, () => {
      showDelivery(session, delivery);
      for (const attempt of delivery.attempts) showExchange(session, attempt);
    });
    return delivery.status === "delivered" ? EXIT.ok : EXIT.failed;
  });
  examples(test, "endpoints test ep_01…");
}

function addSecrets(cli: Cli, endpoints: Command): void {
  const secret = endpoints.command("secret <id>").description("print the secret that signs for it");
  onApi(cli, secret, async ({ client, out }, id: string) => {
    const text = await client.endpoints.secret(id);
    out.answer({ secret: text }, () => out.line(text));
  });
  examples(secret, "endpoints secret ep_01…", "listen --key $(ringback endpoints secret ep_01…)");
  const rotate = endpoints
    .command("rotate-secret <id>")
    .description("make a new secret; the old one signs beside it for a day")
    .option("--overlap-s <seconds>", "how long the old one signs on", wholeNumber);
  onApi(cli, rotate, async ({ client, out }, id: string, options: { overlapS?: number }) => {
    const { overlapS } = options;
    const body = overlapS === undefined ? {} : { overlap_s: overlapS };
    const rotated = await client.endpoints.rotateSecret(id, body);
    out.answer(rotated, () => {
      out.line(rotated.secret);
      out.note(`The old secret signs as well until ${rotated.previous_expires_at}.`);
    });
  });
  examples(rotate, "endpoints rotate-secret ep_01… --overlap-s 3600");
}
