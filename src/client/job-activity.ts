import type { CallOptions, ApiCaller } from "./caller.ts";
import { RingbackError } from "./errors.ts";
import { readEventStream } from "./event-stream.ts";
import type { Job as JobData } from "./openapi-types.ts";
import { mayRetry, pause, pauseBefore } from "./retry.ts";

/** Something that happened to a job, or to one of its deliveries. */
export interface JobActivity {
  /** `job.state` (the job as it is), `job.progress`, `job.completed`, `delivery.attempted`, … */
  type: string;
  at: string;
  /** With `job.state`. */
  job?: JobData;
  job_id?: string;
  message_id?: string;
  delivery_id?: string;
  endpoint_id?: string;
  /** More, by type. */
  [field: string]: unknown;
}

export interface ActivityOptions extends Pick<CallOptions, "signal"> {
  /** Tell of the job's deliveries too, and go on until none is pending. Default: false. */
  deliveries?: boolean;
}

/** What an entry says of a running job. */
export type JobChange = Pick<JobData, "run" | "progress"> & { at: string };

/** The service says that it is still there more often; a connection this silent is dead. */
const SILENCE_MS = 60_000;
const MOST_FAILURES = 10;

type JobProgress = Partial<JobData["progress"]>;

const ENDS = new Set(["job.completed", "job.failed", "job.canceled"]);

export function hasEnded({ status }: JobData): boolean {
  return status !== "pending" && status !== "running";
}

/**
 * Follows a job. A lost connection is made again where it broke off; what was missed for good is
 * made up for by another `job.state`.
 * @param told called with the job whenever it is told, or with what has changed of it
 */
export async function* jobActivity(
  caller: ApiCaller,
  id: string,
  { signal, deliveries = false }: ActivityOptions,
  told: (news: JobData | JobChange) => void,
): AsyncGenerator<JobActivity, void, void> {
  const path = `/v1/jobs/${encodeURIComponent(id)}/activity${deliveries ? "" : "?types=job.*"}`;
  let lastId: string | null = null;
  for (let failures = 0; ;) {
    const connection = watchSilence(signal);
    try {
      const headers = lastId === null ? {} : { "last-event-id": lastId };
      const response = await caller.stream(path, headers, connection);
      for await (const message of readEventStream(response, connection.alive)) {
        failures = 0;
        lastId = message.id ?? lastId;
        if (message.event === "end") return;
        // what follows is the job as it is
        if (message.event === "reset") continue;
        const entry = caller.parse(message.data) as JobActivity;
        const news = entry.job ?? changeIn(entry);
        if (news !== null) told(news);
        if (ENDS.has(entry.type)) {
          told((await caller.call("GET /v1/jobs/{id}", { id, signal })).body);
        }
        yield entry;
        const ended = entry.job === undefined ? ENDS.has(entry.type) : hasEnded(entry.job);
        if (ended && !deliveries) return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      const lost = !(error instanceof RingbackError) || mayRetry(error, true);
      if (!lost || failures > MOST_FAILURES) throw error;
    } finally {
      connection.close();
    }
    await pause(pauseBefore(failures + 1, null) ?? 0, signal);
  }
}

function changeIn({ type, at, ...entry }: JobActivity): JobChange | null {
  if (type !== "job.started" && type !== "job.progress") return null;
  const { run = 0, fraction = 0, message = null } = entry as { run?: number } & JobProgress;
  return { at, run, progress: { fraction, message } };
}

/** Cuts a connection that nothing comes from. */
function watchSilence(outer: AbortSignal | undefined) {
  const cut = new AbortController();
  const end = (): void => cut.abort(new Error("the connection was silent"));
  let timer = setTimeout(end, SILENCE_MS);
  return {
    signal: outer === undefined ? cut.signal : AbortSignal.any([outer, cut.signal]),
    alive(): void {
      clearTimeout(timer);
      timer = setTimeout(end, SILENCE_MS);
    },
    close(): void {
      clearTimeout(timer);
      cut.abort();
    },
  };
}
