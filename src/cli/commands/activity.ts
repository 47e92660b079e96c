import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { RingbackError } from "../../client/errors.ts";
import { readEventStream } from "../../client/event-stream.ts";
import type { JobActivity } from "../../client/job-activity.ts";
import { mayRetry } from "../../client/retry.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { collectList } from "../api/input.ts";
import type { CliSession } from "../api/session.ts";
import { streamActivity } from "../api/stream-activity.ts";

/** `ringback activity` */
export function addActivity(cli: Cli, program: Command): void {
  const activity = program
    .command("activity")
    .description("follow live what happens in the account; with --json a line of JSON each")
    .option("--types <list>", "these only, comma-separated; job.* takes all of jobs", collectList);
  onApi(cli, activity, async (session, { types = [] }: { types?: string[] }) => {
    await streamActivity(session, accountActivity(session, types));
  });
  examples(activity, "activity", "activity --types 'job.*,delivery.dead' --json");
}

const RECONNECT_MS = 1_000;

/** Streams activity until Ctrl-C; a new connection goes on where a lost one broke off. */
async function* accountActivity(
  { caller, out, interrupted: signal }: CliSession,
  types: string[],
): AsyncGenerator<JobActivity, void, void> {
  const query =
    types.length === 0 ? "" : `?${new URLSearchParams({ types: types.join() }).toString()}`;
  let lastId: string | null = null;
  for (let connected = false; ;) {
    try {
      const headers = lastId === null ? {} : { "last-event-id": lastId };
      const response = await caller.stream(`/v1/activity${query}`, headers, { signal });
      if (!connected) out.note("Listening; Ctrl-C ends it.");
      connected = true;
      for await (const { id, event, data } of readEventStream(response, () => undefined)) {
        lastId = id ?? lastId;
        if (event === "reset") out.note("Some entries were missed here.");
        else yield caller.parse(data) as JobActivity;
      }
    } catch (error) {
      signal.throwIfAborted();
      const lost = !(error instanceof RingbackError) || mayRetry(error, true);
      // a first failure is reported; a lost connection is waited for
      if (!connected || !lost) throw error;
    }
    out.note("The connection was lost; connecting again.");
    await sleep(RECONNECT_MS, undefined, { signal });
  }
}
