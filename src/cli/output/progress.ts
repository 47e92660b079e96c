import { SingleBar } from "cli-progress";
import type { Sink, Terminal } from "../terminal.ts";

/** A progress bar on standard error while that is a terminal; otherwise silent. */
export interface ProgressBar {
  visible: boolean;
  update(done: number, total: number, message: string): void;
  stop(): void;
}

const SILENT: ProgressBar = { visible: false, update: () => undefined, stop: () => undefined };

export function createProgress({ stderr }: Pick<Terminal, "stderr">, quiet: boolean): ProgressBar {
  if (quiet || stderr.isTTY !== true) return SILENT;
  const bar = new SingleBar({
    stream: stderr as Sink & NodeJS.WritableStream,
    format: "{bar} {percentage} %  {message}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
  });
  let started = false;
  return {
    visible: true,
    update(done, total, message) {
      // when there is nothing to do, all is done
      const whole = Math.max(total, Number.EPSILON);
      const part = total === 0 ? whole : Math.min(done, total);
      if (started) {
        bar.setTotal(whole);
        bar.update(part, { message });
      } else {
        bar.start(whole, part, { message });
        started = true;
      }
    },
    stop() {
      if (started) bar.stop();
      started = false;
    },
  };
}
