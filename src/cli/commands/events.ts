import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { RingbackError } from "../../client/errors.ts";
import { readEventStream } from "../../client/event-stream.ts";
import type { JobEvent } from "../../client/job-events.ts";
import { mayRetry } from "../../client/retry.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { collectList } from "../api/input.ts";
import type { CliSession } from "../api/session.ts";
import { streamEvents } from "../api/stream-events.ts";

/** `ringback events` */
export function addEvents(cli: Cli, program: Command): void {
  const events = program
    .command("events")
    .description("follow live what happens in the account; with --json a line of JSON each")
    .option("--types <list>", "these only, comma-separated; job.* takes all of jobs", collectList);
  onApi(cli, events, async (session, { types = [] }: { types?: string[] }) => {
    await streamEvents(session, accountEvents(session, types));
  });
  examples(events, "events", "events --types 'job.*,delivery.dead' --json");
}

const RECONNECT_MS = 1_000;

/** Goes on until Ctrl-C; a lost connection is made again where it broke off. */
async function* accountEvents(
  { caller, out, interrupted: signal }: CliSession,
  types: string[],
): AsyncGenerator<JobEvent, void, void> {
  const query =
    types.length === 0 ? "" : `?${new URLSearchParams({ types: types.join() }).toString()}`;
  let lastId: string | null = null;
  for (let connected = false; ;) {
    try {
      const headers = lastId === null ? {} : { "last-event-id": lastId };
      const response = await caller.stream(`/v1/events${query}`, headers, { signal });
      if (!connected) out.note("Listening; Ctrl-C ends it.");
      connected = true;
      for await (const { id, event, data } of readEventStream(response, () => undefined)) {
        lastId = id ?? lastId;
        if (event === "reset") out.note("Some events were missed here.");
        else yield caller.parse(data) as JobEvent;
      }
    } catch (error) {
      signal.throwIfAborted();
      const lost = !(error instanceof RingbackError) || mayRetry(error, true);
      // what never worked is told; what worked is waited for
      if (!connected || !lost) throw error;
    }
    out.note("The connection was lost; connecting again.");
    await sleep(RECONNECT_MS, undefined, { signal });
  }
}
