import type { Command } from "commander";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { deliveryColumns } from "../api/delivery-view.ts";
import { readInput } from "../api/input.ts";
import { readEvents } from "../api/events.ts";
import { EXIT } from "../exit.ts";
import type { Message, MessageLineAnswer } from "../../client/openapi-types.ts";
import { printableLines } from "../output/printable.ts";
import type { CliSession } from "../api/session.ts";

/** `ringback messages …` */
export function addMessages(cli: Cli, program: Command): void {
  const messages = program.command("messages").description("events of your own");
  const publish = messages
    .command("publish <type> [fields...]")
    .description("send an event to every endpoint that wants its type")
    .usage("<type> [key=text] [key:=json] [options]")
    .option("--data <json>", "the data: JSON, @file, or - for standard input; fields go on top")
    .option("--idempotency-key <key>", "publish it once, however often this is run");
  type Options = { data?: string; idempotencyKey?: string };
  onApi(cli, publish, async (session, type: string, fields: string[], options: Options) => {
    const data = await readInput(session.terminal, options.data, fields);
    const { idempotencyKey } = options;
    const message = await session.client.messages.publish(type, data, { idempotencyKey });
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
  const get = messages.command("get <id>").description("look at a message and its deliveries");
  onApi(cli, get, async (session, id: string) => {
    const message = await session.client.messages.get(id);
    session.out.answer(message, () => showMessage(session, message));
  });
  examples(get, "messages get msg_01…");
}

function showRefused({ out }: CliSession, { line, status, problem }: MessageLineAnswer): void {
  if (problem !== undefined) out.line(`line ${line}: ${status} ${problem.code}: ${problem.detail}`);
}

function showMessage({ out }: CliSession, message: Message): void {
  out.line(`${out.paint("bold", message.id)}  ${message.type}`);
  out.line(printableLines(message.body));
  if (message.deliveries.length === 0) return out.note("No endpoint wants it.");
  out.table(message.deliveries, deliveryColumns);
}
