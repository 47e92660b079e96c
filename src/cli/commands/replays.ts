import type { Command } from "commander";
import type { Replay } from "../../client/openapi-types.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { parseFilter } from "../api/filter.ts";
import type { Filter } from "../api/filter.ts";
import { collect } from "../api/input.ts";
import { showList, withPaging } from "../api/list.ts";
import type { ListOptions } from "../api/list.ts";
import { matchedText, runReplay, showReplay } from "../api/run-replay.ts";

const FILTER_KEYS =
  "status (dead, delivered), reason, endpoint_id, job_id, event_type, since, until, ids";

export interface OrderOptions {
  filter?: string[];
  all?: boolean;
  dryRun?: boolean;
  detach?: boolean;
}

export function withOrder(command: Command): Command {
  return command
    .option("--filter <key=value...>", `which: ${FILTER_KEYS}`, collect)
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
  const order = withOrder(
    program
      .command("replay")
      .description("send many deliveries again; Ctrl-C cancels what is left of it"),
  );
  onApi(cli, order, async (session, { filter = [], ...options }: OrderOptions) => {
    await runReplay(session, { action: "replay", filter: parseFilter(filter), ...options });
  });
  examples(
    order,
    "replay --filter reason=exhausted since=2h --dry-run",
    "replay --filter endpoint_id=ep_01… status=delivered since=2026-11-20T00:00:00Z",
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
  const cancel = replays
    .command("cancel <id>")
    .description("stop a replay; what it has done stays done");
  onApi(cli, cancel, async (session, id: string) => {
    const replay = await session.client.replays.cancel(id);
    session.out.answer(replay, () => showReplay(session, replay));
  });
  examples(cancel, "replays cancel rpl_01…");
}

const COLUMNS: readonly TextColumn<Replay>[] = [
  { head: "ID", text: ({ id }) => id },
  { head: "ACTION", text: ({ action, dry_run }) => (dry_run ? `${action} (dry run)` : action) },
  { head: "STATUS", text: ({ status }) => status, style: ({ status }) => stateStyle(status) },
  { head: "DONE", text: ({ replayed }) => replayed, right: true },
  { head: "OF", text: matchedText, right: true },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
  { head: "FILTER", text: ({ filter }) => JSON.stringify(filter), gives: true },
];
