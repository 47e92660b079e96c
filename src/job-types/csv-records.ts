import { CsvError, parse } from "csv-parse";
import { JobError } from "../core/job-type.ts";

/** A row may be this long; an unclosed quote must not take in the rest of a large file. */
const MAX_ROW_BYTES = 1024 * 1024;

export interface RecordParser {
  /** Parses on; hands complete rows to the consumer. Rejects with a JobError csv_malformed. */
  write(chunk: Buffer): Promise<void>;
  end(): Promise<void>;
}

/**
 * Cuts CSV bytes into rows. Blank lines are skipped, any line ending is taken.
 * @param onRecord is given each row and the line, from 1, on which it ends; may throw
 */
export function createRecordParser(
  delimiter: string,
  onRecord: (fields: string[], line: number) => void,
): RecordParser {
  let parserLine = 0;
  let doubleCounted = 0;
  const parser = parse({
    delimiter,
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    relax_column_count: true, // the consumer knows better what a ragged row means
    max_record_size: MAX_ROW_BYTES,
    // Taken here and not from the readable side, which costs an object stream.
    on_record(fields: string[]) {
      const { lines } = parser.info;
      // csv-parse counts a CRLF inside quotes as two lines.
      if (lines > parserLine + 1) doubleCounted += countCrLf(fields);
      parserLine = lines;
      onRecord(fields, lines - doubleCounted);
      return null;
    },
  });
  parser.on("error", () => undefined); // reported to the caller of write() or end()
  parser.resume();

  const explained = (error: Error) => explain(error, parserLine - doubleCounted + 1);
  return {
    write: (chunk) =>
      new Promise((resolve, reject) => {
        parser.write(chunk, (error) => (error ? reject(explained(error)) : resolve()));
      }),
    end: () =>
      new Promise((resolve, reject) => {
        parser.once("error", (error) => reject(explained(error)));
        parser.end(() => resolve());
      }),
  };
}

function countCrLf(fields: string[]): number {
  let count = 0;
  for (const field of fields) count += field.split("\r\n").length - 1;
  return count;
}

/** @param line where the row that could not be read begins */
function explain(error: Error, line: number): Error {
  if (!(error instanceof CsvError)) return error;
  return new JobError(`the row that begins at line ${line} ${flaw(error)}`, {
    code: "csv_malformed",
  });
}

function flaw(error: CsvError): string {
  switch (error.code as string) {
    case "CSV_QUOTE_NOT_CLOSED":
      return "has a quote that is never closed";
    case "CSV_MAX_RECORD_SIZE":
      return `is longer than ${MAX_ROW_BYTES} bytes; is a quote not closed?`;
    case "CSV_INVALID_CLOSING_QUOTE":
      return "has text after a closing quote";
    case "INVALID_OPENING_QUOTE":
      return "has a quote in the middle of a field that is not quoted";
    default:
      return `cannot be read: ${error.message}`;
  }
}
