import type { RunContext } from "../core/job-type.ts";
import { cleanText, errorMessage, toJsonText } from "./json-text.ts";
import type { LogLine, Progress } from "./messages.ts";

const PROGRESS_INTERVAL_MS = 100;
const MAX_PROGRESS_DATA_BYTES = 16 * 1024;
const MAX_PROGRESS_MESSAGE_LENGTH = 1_000;
const MAX_LOG_LINES = 1_000;
const MAX_LOG_MESSAGE_LENGTH = 2_000;
const MAX_LOG_FIELDS_LENGTH = 16 * 1024;

/** The reports of a run while it runs, thinned out so that no job can flood the main loop. */
export interface Reporter extends Pick<RunContext<unknown>, "progress" | "log"> {
  /** Sends what was held back. Whatever is reported later is dropped. */
  end: () => void;
}

export interface ReporterSink {
  progress(progress: Progress): void;
  log(line: LogLine): void;
}

/**
 * Passes on the first progress at once, then at most one every 100 ms, always the latest, and the
 * last one at the end. Passes on 1,000 log lines, then only how many more there were.
 * `progress` throws TypeError when its data is not JSON, RangeError when it exceeds 16 KiB.
 */
export function createReporter(sink: ReporterSink): Reporter {
  let ended = false;
  let pending: Progress | null = null;
  let sentAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let lines = 0;

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (pending === null) return;
    sentAt = performance.now();
    sink.progress(pending);
    pending = null;
  }

  return {
    progress(fraction, message, data) {
      const encoded = encodeProgress(fraction, message, data);
      if (ended) return;
      pending = encoded;
      const wait = sentAt + PROGRESS_INTERVAL_MS - performance.now();
      if (wait <= 0) flush();
      else timer ??= setTimeout(flush, wait);
    },
    log(message, fields) {
      if (ended) return;
      lines++;
      if (lines <= MAX_LOG_LINES) sink.log(encodeLine(message, fields));
    },
    end() {
      if (ended) return;
      ended = true;
      flush();
      const dropped = lines - MAX_LOG_LINES;
      if (dropped > 0) sink.log(encodeLine(`${dropped} more log lines dropped`, { dropped }));
    },
  };
}

function encodeProgress(fraction: number, message?: string, data?: unknown): Progress {
  let text: string | null = null;
  if (data !== undefined) {
    try {
      text = toJsonText(data);
    } catch (error) {
      throw new TypeError(`progress data is not JSON: ${errorMessage(error)}`, {
        cause: error,
      });
    }
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_PROGRESS_DATA_BYTES) {
      throw new RangeError(
        `progress data takes ${bytes} bytes, ${MAX_PROGRESS_DATA_BYTES} allowed`,
      );
    }
  }
  return {
    fraction: fraction > 0 ? Math.min(fraction, 1) : 0, // NaN is 0
    message: message === undefined ? null : cleanText(message, MAX_PROGRESS_MESSAGE_LENGTH),
    data: text,
  };
}

function encodeLine(message: string, fields: Record<string, unknown> = {}): LogLine {
  return { message: cleanText(message, MAX_LOG_MESSAGE_LENGTH), fields: logFields(fields) };
}

/** A log line must not fail a job: fields that cannot be written are replaced by the reason. */
function logFields(fields: Record<string, unknown>): string {
  try {
    const text = toJsonText(fields);
    if (!text.startsWith("{")) return JSON.stringify({ fields_dropped: "not an object" });
    if (text.length <= MAX_LOG_FIELDS_LENGTH) return text;
    return JSON.stringify({ fields_dropped: `${text.length} characters` });
  } catch (error) {
    return JSON.stringify({ fields_dropped: errorMessage(error) });
  }
}
