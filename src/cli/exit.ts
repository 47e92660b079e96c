/** The meanings of exit codes; the table of `ringback --help` is made from these. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  refused: 4,
  notFound: 5,
  rejected: 6,
  timedOut: 124,
  interrupted: 130,
} as const;

export const EXIT_MEANINGS: readonly (readonly [number, string])[] = [
  [EXIT.ok, "done"],
  [
    EXIT.failed,
    "it failed: the job, the test of an endpoint, a check of doctor; or the program can't start",
  ],
  [EXIT.usage, "the command line is wrong"],
  [EXIT.unreachable, "the server can't be reached, or can't answer now"],
  [EXIT.refused, "the API key is missing, wrong or lacks a scope"],
  [EXIT.notFound, "there is no such thing"],
  [EXIT.rejected, "the API rejected the request, or the state does not allow it"],
  [EXIT.timedOut, "time was up before the end came"],
  [EXIT.interrupted, "interrupted"],
];

/** An end with a message of a few lines, and an exit code. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
  }
}

export function usageError(message: string): CliError {
  return new CliError(EXIT.usage, message);
}
