import type { Command } from "commander";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { deliveryColumns } from "../api/delivery-view.ts";
import { collect, readFields, readInput } from "../api/input.ts";
import { readEvents } from "../api/events.ts";
import { EXIT } from "../exit.ts";
import type { QueryOf } from "../../client/caller.ts";
import type {
  ListedMessage,
  Message,
  MessageLineAnswer,
  MessageWithSkipped,
  SkippedEndpoint,
} from "../../client/openapi-types.ts";
import { rangeOf, showList, withPaging, withRange } from "../api/list.ts";
import type { ListOptions, RangeOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";
import { printableLines } from "../output/printable.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import type { CliSession } from "../api/session.ts";

/** `ringback messages …` */
export function addMessages(cli: Cli, program: Command): void {
  const messages = program
    .command("messages")
    .description("events: published ones, and those of jobs");
  const publish = messages
    .command("publish <type> [fields...]")
    .description("send an event to every endpoint that wants its type")
    .usage("<type> [key=text] [key:=json] [options]")
    .option("--data <json>", "the data: JSON, @file, or - for standard input; fields go on top")
    .option("--metadata <key=value>", "to find it by; not sent; may be repeated", collect)
    .option("--idempotency-key <key>", "publish it once, however often this is run");
  type Options = { data?: string; idempotencyKey?: string; metadata?: string[] };
  onApi(cli, publish, async (session, type: string, fields: string[], options: Options) => {
    const data = await readInput(session.terminal, options.data, fields);
    const { idempotencyKey } = options;
    const metadata = options.metadata && (await readFields(options.metadata));
    const given = { idempotencyKey, metadata };
    const message = await session.client.messages.publish(type, data, given);
    session.out.answer(message, () => showMessage(session, message));
  });
  examples(publish, "messages publish invoice.paid invoice=I-2026-17 amount:=4200");
  const many = messages
    .command("publish-many <file>")
    .description("send many events: one on each line of a file, or of standard input (-)")
    .usage('<file|-> [options]   each line {"type": …, "data": …, "idempotency_key": …}');
  onApi(cli, many, async (session, file: string) => {
    const counts = { published: 0, refused: 0 };
    let before = 0;
    for await (const events of readEvents(session.terminal, file)) {
      for (const answer of await session.client.messages.publishMany(events)) {
        const one = { ...answer, line: before + answer.line };
        counts[one.status === 202 ? "published" : "refused"] += 1;
        session.out.item(one, () => showRefused(session, one));
      }
      before += events.length;
    }
    if (!session.out.json)
      session.out.line(`${counts.published} published, ${counts.refused} refused`);
    return counts.refused === 0 ? EXIT.ok : EXIT.rejected;
  });
  examples(many, "messages publish-many events.ndjson");
  addList(cli, messages);
  const show = messages
    .command("show <id>")
    .alias("get")
    .description("look at a message, its deliveries, and the endpoints that got none");
  onApi(cli, show, async (session, id: string) => {
    const message = await session.client.messages.get(id);
    session.out.answer(message, () => showMessage(session, message));
  });
  examples(show, "messages show msg_01…");
}

function addList(cli: Cli, messages: Command): void {
  const list = withRange(
    withPaging(
      messages
        .command("list")
        .description("list messages, newest first: published events, and those of jobs")
        .option("--type <types>", "of this type; a,b: one of these; !a,b: none of these")
        .option("--job-id <id>", "of this job")
        .option("--metadata <key=value>", "with this pair in its metadata")
        .option("--endpoint-id <id>", "made for this endpoint")
        .option("--text <text>", "with this in the body; of the last 24 hours, or --since"),
    ),
  );
  onApi(cli, list, async (session, options: ListOptions & RangeOptions) => {
    const filter = {
      ...queryOf(options, ["type", "jobId", "metadata", "endpointId", "text"]),
      ...rangeOf(options),
    };
    let unheard: string[] = [];
    await showList(
      session,
      options,
      async (page) => {
        const query = { ...filter, ...page } as QueryOf<"GET /v1/messages">;
        const answer = await session.client.request("GET /v1/messages", { query });
        unheard = answer.without_receiver ?? unheard;
        return answer;
      },
      messageColumns,
    );
    if (unheard.length > 0 && !session.out.json) {
      session.out.note(`Without a receiver, so without a message: ${unheard.join(", ")}`);
    }
  });
  examples(
    list,
    "messages list --type invoice.paid,invoice.voided",
    "messages list --text A-10019 --since 7d",
    "messages list --job-id job_01…",
  );
}

const messageColumns: readonly TextColumn<ListedMessage>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "TYPE", text: ({ type }) => type, gives: true },
  { head: "RECEIVERS", text: ({ deliveries }) => countsText(deliveries) },
  { head: "BYTES", text: ({ body_bytes }) => body_bytes, right: true },
  { head: "PUBLISHED", text: ({ timestamp }) => relative(timestamp) },
  { head: "", text: ({ excerpt }) => excerpt, gives: true },
];

function countsText(counts: ListedMessage["deliveries"]): string {
  const some = Object.entries(counts).filter(([, n]) => n > 0);
  return some.length === 0 ? "none" : some.map(([status, n]) => `${n} ${status}`).join(", ");
}

function showRefused({ out }: CliSession, { line, status, problem }: MessageLineAnswer): void {
  if (problem !== undefined) out.line(`line ${line}: ${status} ${problem.code}: ${problem.detail}`);
}

function showMessage({ out }: CliSession, message: Message & Partial<MessageWithSkipped>): void {
  out.line(`${out.paint("bold", message.id)}  ${message.type}`);
  out.line(printableLines(message.body));
  if (message.deliveries.length === 0) out.note("No endpoint wants it.");
  else out.table(message.deliveries, deliveryColumns);
  const { skipped } = message;
  if (!skipped || skipped.length === 0) return;
  out.line();
  out.line(out.paint("bold", "Without a delivery"));
  out.table(skipped, skippedColumns);
}

const skippedColumns: readonly TextColumn<SkippedEndpoint>[] = [
  { head: "ENDPOINT", text: ({ endpoint_id }) => endpoint_id },
  { head: "NAME", text: ({ description, url }) => description || url, gives: true },
  { head: "WHY", text: ({ detail }) => detail, gives: true },
];
