import { CommanderError } from "commander";
import { RingbackError } from "../client/errors.ts";
import { CliError, EXIT } from "./exit.ts";
import { printable } from "./output/printable.ts";

/** The message of a failed command, and its exit code. */
export interface Explanation {
  exitCode: number;
  /** The message; empty: already shown. */
  text: string;
}

export function explainError(error: unknown): Explanation {
  if (error instanceof CommanderError) {
    return { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage, text: "" };
  }
  if (error instanceof RingbackError) return explainCall(error);
  const { message } = error as Error;
  return { exitCode: error instanceof CliError ? error.exitCode : EXIT.failed, text: message };
}

function explainCall(error: RingbackError): Explanation {
  const { code, detail, errors, requestId } = error;
  const advice = ADVICE[code];
  const what = printable(detail);
  const lines = [
    advice === undefined ? what : `${what.replace(/\.$/, "")}: ${advice}`,
    // the detail has a single fault already
    ...(errors.length < 2 ? [] : errors).map(
      (one) => `  ${printable(one.pointer ?? one.parameter ?? "")} ${printable(one.detail)}`,
    ),
    ...(code === "input_invalid" ? jsonHints(errors) : []),
    ...(requestId === null ? [] : [`  (${code}, request ${printable(requestId)})`]),
  ];
  return { exitCode: exitCodeOf(error), text: lines.join("\n") };
}

/** How to give a field that must not be text. */
function jsonHints(errors: RingbackError["errors"]): string[] {
  return errors.flatMap(({ pointer = "", detail }) => {
    const field = /^\/input\/([^/=:]+)$/.exec(pointer)?.[1];
    if (field === undefined || !detail.endsWith(", not a string")) return [];
    return [`  (what is no text is given as JSON: ${printable(field)}:=…)`];
  });
}

const ADVICE: Partial<Record<RingbackError["code"], string>> = {
  connection_failed: "is the server running, and is --url (RINGBACK_URL) right?",
  timed_out: "try again, or look at the server",
  unauthenticated: "give a valid key by --api-key or RINGBACK_API_KEY",
  scope_missing: "use a key that has it",
};

function exitCodeOf({ code, status }: RingbackError): number {
  if (code === "timed_out") return EXIT.timedOut;
  if (status === null || status >= 500 || status === 429) return EXIT.unreachable;
  if (code === "answer_malformed") return EXIT.unreachable;
  if (status === 401 || status === 403) return EXIT.refused;
  return status === 404 ? EXIT.notFound : EXIT.rejected;
}
