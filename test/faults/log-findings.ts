import { readFileSync } from "node:fs";
import type { Check } from "./checks.ts";
import type { Incident } from "./incident.ts";

interface LogLine {
  process: string;
  level: string;
  message: string;
  at: number;
  fields: Record<string, unknown>;
}

export interface LogFindings {
  checks: Check[];
  /** What the reconciler and the audit put right, by kind. */
  repairs: Record<string, number>;
  deadWorkers: number;
  fenced: number;
}

/** What the processes wrote about themselves. */
export function readLogs(
  logs: ReadonlyMap<string, string>,
  incidents: readonly Incident[],
): LogFindings {
  const lines = [...logs].flatMap(([process, file]) => parseLog(process, file));
  const repairs: Record<string, number> = {};
  for (const { message, fields } of lines) {
    if (message !== "repaired") continue;
    const what = String(fields["what"]);
    repairs[what] = (repairs[what] ?? 0) + Number(fields["count"]);
  }
  const errors = lines.filter(({ level }) => level === "error");
  const awakened = lines.filter(({ message }) => message.startsWith("taken for dead"));
  return {
    checks: [
      {
        name: "no process logged an error",
        of: lines.length,
        broken: errors.map((line) => `${line.process}: ${line.message} ${detail(line)}`),
      },
      {
        name: "none but who was cut off was declared dead while alive",
        of: awakened.length,
        broken: awakened
          .filter((line) => !wasCutOff(line, incidents))
          .map((line) => `${line.process} at ${new Date(line.at).toISOString()}`),
      },
    ],
    repairs,
    deadWorkers: lines.filter(({ message }) => message === "worker recovered").length,
    fenced: lines.filter(({ message }) => message === "claim lost").length,
  };
}

/** A process has no sign of life while it is frozen, or finds no connection that is free. */
function wasCutOff({ process, at }: LogLine, incidents: readonly Incident[]): boolean {
  return incidents.some(({ scenario, target, from, to }) => {
    if (scenario === "zombie" || scenario === "pause") {
      return target === process && at >= from && at <= to + 20_000;
    }
    // two connections for three processes: one may get none for as long as it takes to be dead
    return scenario === "connection-slots" && at >= from + 3_000 && at <= to + 5_000;
  });
}

function parseLog(process: string, file: string): LogLine[] {
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((text) => {
      if (!text.startsWith("{")) return [];
      const { level, message, timestamp, ...fields } = JSON.parse(text) as Record<string, unknown>;
      return {
        process,
        level: String(level),
        message: String(message),
        at: Date.parse(String(timestamp)),
        fields,
      };
    });
}

function detail({ fields }: LogLine): string {
  return JSON.stringify(fields).slice(0, 600);
}
