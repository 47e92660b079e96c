import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { readConfig } from "../../config.ts";
import { Ringback } from "../../client/ringback.ts";
import { readBooks } from "../demo/books.ts";
import { startPartner } from "../demo/partner.ts";
import { startFileServer } from "../demo/slow-file-server.ts";
import { tellStory } from "../demo/story.ts";
import { SAME_SIGNAL_MS } from "./serve.ts";
import { startService } from "../../server/start.ts";

const CSV = new URL("../demo/seattle-weather.csv", import.meta.url);
/** How long the CSV takes to arrive, so that there is progress to see. */
const CSV_MS = 2_500;
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** `ringback demo`: the whole path of a job on the real program, in a folder that is removed. */
export async function runDemo(): Promise<void> {
  const stop = new AbortController();
  const undo: (() => Promise<unknown>)[] = [];
  const release = catchSignals(stop);
  try {
    await play(stop, undo);
  } catch (error) {
    const reason: unknown = stop.signal.reason;
    if (!stop.signal.aborted || reason instanceof Unable) {
      console.error(`ringback: ${((stop.signal.aborted ? reason : error) as Error).message}`);
      process.exitCode = 1;
    } else {
      console.error("ringback: the demo was stopped; cleaning up");
    }
  }
  for (const step of undo.reverse()) {
    await step().catch((error: Error) => {
      console.error(`ringback: not cleaned up: ${error.message}`);
      process.exitCode ??= 1;
    });
  }
  release();
  // a database that died leaves writes behind that would be tried again without end
  if (process.exitCode !== undefined) process.exit();
}

/** The service can't go on. */
class Unable extends Error {}

async function play(stop: AbortController, undo: (() => Promise<unknown>)[]): Promise<void> {
  const { signal } = stop;
  console.log("\n  Starting Ringback with a Postgres of its own …");
  const folder = await mkdtemp(path.join(tmpdir(), "ringback-demo-"));
  undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

  const settings = { PORT: "0", RINGBACK_DATA_DIR: folder, LOG_LEVEL: "error" };
  const service = await startService({
    ...readConfig(undefined, settings),
    onFatal: (reason) => stop.abort(new Unable(reason)),
  });
  undo.push(() => service.stop());
  signal.throwIfAborted();

  const files = await startFileServer(await readFile(CSV), CSV_MS);
  undo.push(() => files.close());
  await tellStory({
    signal,
    version: service.context.config.version,
    url: service.url,
    client: new Ringback({
      baseUrl: service.url,
      apiKey: service.apiKey ?? "",
      // a demo that is stopped makes no more calls
      fetch: (input, init) =>
        fetch(input, {
          ...init,
          signal: init?.signal ? AbortSignal.any([signal, init.signal]) : signal,
        }),
    }),
    csvUrl: `${files.url}/seattle-weather.csv`,
    startPartner: async (options) => {
      const partner = await startPartner(options);
      undo.push(() => partner.close());
      return partner;
    },
    readBooks: (messageId) => readBooks(service.context.pool, messageId),
  });
}

/** A signal, or a reader that went away, ends the story; a second signal ends the process. */
function catchSignals(stop: AbortController): () => void {
  let stoppedAt: number | null = null;
  const end = (exitCode: number): void => {
    if (stoppedAt !== null && performance.now() - stoppedAt > SAME_SIGNAL_MS) {
      process.exit(exitCode);
    }
    stoppedAt ??= performance.now();
    process.exitCode = exitCode;
    stop.abort();
  };
  const handlers = Object.entries(EXIT_CODES).map(
    ([name, code]) => [name, () => end(code)] as const,
  );
  for (const [name, handler] of handlers) process.on(name, handler);
  // stays on, because each line that follows fails as well
  process.stdout.on("error", () => {
    process.exitCode = 1;
    stop.abort();
  });
  return () => {
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}
