import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import type { BodyOf } from "../../client/caller.ts";
import type { Replay, ReplayReport } from "../../client/openapi-types.ts";
import { usageError } from "../exit.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { parseFilter } from "../api/filter.ts";
import type { Filter } from "../api/filter.ts";
import { collect, positiveNumber, wholeNumber } from "../api/input.ts";
import { showList, withPaging } from "../api/list.ts";
import type { ListOptions } from "../api/list.ts";
import { matchedText, runReplay, showReplay } from "../api/run-replay.ts";

const FILTER_KEYS =
  "status (dead, delivered), reason, endpoint_id, job_id, event_type, status_class, status_code, error_code, since, until, ids";

export interface OrderOptions {
  filter?: string[];
  all?: boolean;
  dryRun?: boolean;
  detach?: boolean;
  pace?: number;
  ramp?: number;
  startAt?: string;
  newestFirst?: boolean;
  canary?: { count: number; max_failed_percent: number };
  to?: string;
}

/** Options of what is sent or run again, not of what is discarded. */
export function withSending(command: Command, filtered = true): Command {
  if (filtered) command.option("--to <endpoint>", "send copies there instead: its id, or a URL");
  return withOrder(command, filtered)
    .option("--pace <n>", "at most so many a second", positiveNumber)
    .option("--ramp <seconds>", "reach that pace in so long, from 1 a second", wholeNumber)
    .option("--start-at <time>", "send nothing before: ISO 8601")
    .option("--newest-first", "begin with the newest")
    .option(
      "--canary <count:percent>",
      "send so many first; stop with 1 when more of them fail again than that",
      canaryOf,
    );
}

function canaryOf(text: string): { count: number; max_failed_percent: number } {
  const [, count, percent] = /^(\d{1,4}):(\d{1,2})%?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("Write it as 10:20.");
  return { count: Number(count), max_failed_percent: Number(percent) };
}

/** How a replay is sent, as the API takes it. */
export function howOf(options: OrderOptions): Partial<BodyOf<"POST /v1/replays">> {
  const { pace, ramp, startAt, newestFirst, canary, to } = options;
  if (ramp !== undefined && pace === undefined) throw usageError("--ramp goes with --pace");
  return {
    ...(pace === undefined ? {} : { pace: { per_s: pace, ramp_s: ramp ?? 0 } }),
    ...(startAt === undefined ? {} : { start_at: startAt }),
    ...(newestFirst === true ? { order: "newest_first" as const } : {}),
    ...(canary === undefined ? {} : { canary }),
    ...(to === undefined
      ? {}
      : { destination: to.startsWith("ep_") ? { endpoint_id: to } : { url: to } }),
  };
}

export function withOrder(command: Command, filtered = true): Command {
  if (filtered) command.option("--filter <key=value...>", `which: ${FILTER_KEYS}`, collect);
  return command
    .option("--all", "all there are, when no filter is given")
    .option("--dry-run", "only count them")
    .option("--detach", "don't wait for the end");
}

/** The filter of the deliveries meant: by ids, by a filter, or both. */
export function filterOf(ids: string[], { filter = [] }: OrderOptions): Filter {
  return { ...parseFilter(filter), ...(ids.length === 0 ? {} : { ids }) };
}

/** `ringback replay` and `ringback replays …` */
export function addReplays(cli: Cli, program: Command): void {
  const order = withSending(
    program
      .command("replay")
      .description("send many deliveries again; Ctrl-C cancels what is left of it"),
  );
  onApi(cli, order, async (session, { filter = [], ...options }: OrderOptions) => {
    const how = howOf(options);
    return await runReplay(session, {
      action: "replay",
      filter: parseFilter(filter),
      how,
      ...options,
    });
  });
  examples(
    order,
    "replay --filter reason=exhausted since=2h --dry-run",
    "replay --filter endpoint_id=ep_01… status=delivered since=2026-11-20T00:00:00Z",
    "replay --filter status_class=5xx,error --pace 50 --ramp 60 --canary 10:20",
    "replay --all",
  );
  const replays = program.command("replays").description("replays that were ordered");
  const list = withPaging(replays.command("list").description("list replays, newest first"));
  onApi(cli, list, async (session, options: ListOptions) => {
    const read = (query: { limit: number; cursor?: string }) =>
      session.client.request("GET /v1/replays", { query });
    await showList(session, options, read, COLUMNS);
  });
  examples(list, "replays list --limit 5");
  const get = replays.command("get <id>").description("look at a replay");
  onApi(cli, get, async (session, id: string) => {
    const replay = await session.client.replays.get(id);
    session.out.answer(replay, () => showReplay(session, replay));
  });
  examples(get, "replays get rpl_01…");
  addChanges(cli, replays);
  const report = replays
    .command("report <id>")
    .description("what became of what a replay has sent again");
  onApi(cli, report, async ({ client, out }, id: string) => {
    const answer = await client.replays.report(id);
    out.answer(answer, () => {
      if (answer.states.length === 0) return out.note("It has sent nothing yet.");
      out.table(answer.states, STATE_COLUMNS);
      if (answer.counted < answer.replayed) {
        out.note(`Of ${answer.counted} of ${answer.replayed} that can be counted.`);
      }
    });
  });
  examples(report, "replays report rpl_01…");
}

function addChanges(cli: Cli, replays: Command): void {
  for (const [name, what] of [
    ["pause", "let a replay send nothing for a while"],
    ["resume", "let a paused replay go on"],
  ] as const) {
    const command = replays.command(`${name} <id>`).description(what);
    onApi(cli, command, async (session, id: string) => {
      const replay = await session.client.replays[name](id);
      session.out.answer(replay, () => showReplay(session, replay));
    });
    examples(command, `replays ${name} rpl_01…`);
  }
  const cancel = replays
    .command("cancel <id>")
    .description("stop a replay; what it has done stays done");
  onApi(cli, cancel, async (session, id: string) => {
    const replay = await session.client.replays.cancel(id);
    session.out.answer(replay, () => showReplay(session, replay));
  });
  examples(cancel, "replays cancel rpl_01…");
}

const STATE_COLUMNS: readonly TextColumn<ReplayReport["states"][number]>[] = [
  { head: "COUNT", text: ({ count }) => count, right: true },
  { head: "STATUS", text: ({ status }) => status, style: ({ status }) => stateStyle(status) },
  { head: "REASON", text: ({ reason }) => reason },
  { head: "LAST", text: ({ status_code, error_code }) => error_code ?? status_code },
];

const COLUMNS: readonly TextColumn<Replay>[] = [
  { head: "ID", text: ({ id }) => id },
  {
    head: "ACTION",
    text: ({ action, dry_run, target }) =>
      `${target === "jobs" ? "retry jobs" : action}${dry_run ? " (dry run)" : ""}`,
  },
  { head: "STATUS", text: ({ status }) => status, style: ({ status }) => stateStyle(status) },
  { head: "DONE", text: ({ replayed }) => replayed, right: true },
  { head: "OF", text: matchedText, right: true },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
  { head: "FILTER", text: ({ filter }) => JSON.stringify(filter), gives: true },
];
