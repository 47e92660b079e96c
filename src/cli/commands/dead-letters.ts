import { Option } from "commander";
import type { Command } from "commander";
import { DEAD_REASONS } from "../../core/model.ts";
import type { QueryOf } from "../../client/caller.ts";
import type { DeadLetterGroup } from "../../client/openapi-types.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { deadLetterColumns } from "../api/delivery-view.ts";
import { rangeOf, showList, withPaging, withRange } from "../api/list.ts";
import type { ListOptions, RangeOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";
import { filterOf, howOf, withOrder, withSending } from "./replays.ts";
import type { OrderOptions } from "./replays.ts";
import { runReplay } from "../api/run-replay.ts";

const FILTERS = ["reason", "endpointId", "jobId", "eventType", "statusCode", "errorCode"];

/** `ringback dead-letters …` */
export function addDeadLetters(cli: Cli, program: Command): void {
  const letters = program.command("dead-letters").description("deliveries that were given up");
  const list = withFilter(
    withPaging(letters.command("list").description("list dead letters, newest first")),
  ).option("--discarded", "those that were discarded instead");
  onApi(cli, list, async (session, options: ListOptions & RangeOptions & { discarded?: true }) => {
    const discarded = options.discarded === true ? { discarded: "true" } : {};
    const filter = { ...queryOf(options, FILTERS), ...rangeOf(options), ...discarded };
    await showList(
      session,
      options,
      (page) => {
        const query = { ...filter, ...page } as QueryOf<"GET /v1/dead-letters">;
        return session.client.request("GET /v1/dead-letters", { query });
      },
      deadLetterColumns,
    );
  });
  examples(
    list,
    "dead-letters list --reason exhausted --since 24h",
    "dead-letters list --discarded",
  );
  const groups = withFilter(
    letters
      .command("groups")
      .description("count dead letters by reason, by endpoint or by cause")
      .addOption(
        new Option("--by <what>").choices(["reason", "endpoint", "cause"]).default("reason"),
      ),
  );
  onApi(cli, groups, async ({ client, out }, options: RangeOptions & { by: string }) => {
    const filter = { ...queryOf(options, [...FILTERS, "by"]), ...rangeOf(options) };
    const query = filter as QueryOf<"GET /v1/dead-letters/groups">;
    const answer = await client.request("GET /v1/dead-letters/groups", { query });
    out.answer(answer, () => {
      if (answer.data.length === 0) return out.note("There are none.");
      out.table(answer.data, GROUP_COLUMNS[options.by]!);
    });
  });
  examples(
    groups,
    "dead-letters groups",
    "dead-letters groups --by endpoint --since 7d",
    "dead-letters groups --by cause",
  );
  addOrders(cli, letters);
}

type Options = OrderOptions & { note?: string };

function addOrders(cli: Cli, letters: Command): void {
  const replay = withSending(
    letters.command("replay [ids...]").description("send dead letters again"),
  );
  onApi(cli, replay, async (session, ids: string[], options: Options) => {
    const how = howOf(options);
    return await runReplay(session, {
      ...options,
      how,
      action: "replay",
      filter: filterOf(ids, options),
    });
  });
  examples(
    replay,
    "dead-letters replay dlv_01…",
    "dead-letters replay --filter reason=endpoint_disabled",
  );
  const discard = withOrder(
    letters
      .command("discard [ids...]")
      .description("take dead letters out of the list; they stay in the books")
      .requiredOption("--note <text>", "why; it is kept with them"),
  );
  onApi(cli, discard, async (session, ids: string[], options: Options) => {
    await runReplay(session, { ...options, action: "discard", filter: filterOf(ids, options) });
  });
  examples(discard, 'dead-letters discard --filter reason=gone --note "partner has moved on"');
}

function withFilter(command: Command): Command {
  return withRange(
    command
      .addOption(new Option("--reason <reason>").choices(DEAD_REASONS))
      .option("--endpoint-id <id>", "for this endpoint")
      .option("--job-id <id>", "of this job")
      .option("--event-type <type>", "of this event")
      .option("--status-code <code>", "given up after this answer")
      .option("--error-code <code>", "given up after an attempt with this error"),
  );
}

const ENDPOINT_COLUMN: TextColumn<DeadLetterGroup> = {
  head: "ENDPOINT",
  text: ({ endpoint_id, endpoint_name: name, endpoint_deleted: deleted }) =>
    endpoint_id === null ? "callback URLs" : `${name}${deleted ? " (deleted)" : ""}`,
  gives: true,
};
const ID_COLUMN: TextColumn<DeadLetterGroup> = {
  head: "ID",
  text: ({ endpoint_id }) => endpoint_id,
};
const COUNT_COLUMN: TextColumn<DeadLetterGroup> = {
  head: "COUNT",
  text: ({ count, more }) => `${count}${more ? "+" : ""}`,
  right: true,
};
const AGE_COLUMNS: readonly TextColumn<DeadLetterGroup>[] = [
  { head: "OLDEST", text: ({ oldest_at }) => relative(oldest_at) },
  { head: "NEWEST", text: ({ newest_at }) => relative(newest_at) },
];

/** Columns of each way to group. */
const GROUP_COLUMNS: Record<string, readonly TextColumn<DeadLetterGroup>[]> = {
  reason: [{ head: "REASON", text: ({ reason }) => reason }, COUNT_COLUMN, ...AGE_COLUMNS],
  endpoint: [ENDPOINT_COLUMN, ID_COLUMN, COUNT_COLUMN, ...AGE_COLUMNS],
  cause: [
    COUNT_COLUMN,
    {
      head: "CAUSE",
      text: ({ reason, status_code, error_code }) => error_code ?? status_code ?? reason,
    },
    { head: "REASON", text: ({ reason }) => reason },
    ENDPOINT_COLUMN,
    ID_COLUMN,
    { head: "SINCE", text: ({ oldest_at }) => relative(oldest_at) },
    { head: "NEWEST", text: ({ newest_at }) => relative(newest_at) },
    { head: "LAST SUCCESS", text: ({ last_success_at }) => relative(last_success_at) },
    { head: "ANSWER", text: ({ sample }) => (sample ?? "").replaceAll(/\s+/g, " "), gives: true },
  ],
};
