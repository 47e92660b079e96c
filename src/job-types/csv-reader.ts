import { JobError } from "../core/job-type.ts";
import { detectDelimiter } from "./csv-delimiter.ts";
import { createRecordParser } from "./csv-records.ts";
import type { RecordParser } from "./csv-records.ts";
import { createTable } from "./csv-table.ts";
import type { Table, TableOptions, TableSummary } from "./csv-table.ts";

const SAMPLE_BYTES = 64 * 1024;

export interface CsvReader {
  /** Rows read so far, the header not counted. */
  readonly rows: number;
  /** @throws JobError, see `csv.summary` */
  write(chunk: Buffer): Promise<void>;
  /** @throws JobError, also csv_empty when there was no header row */
  end(): Promise<TableSummary & { delimiter: string }>;
}

/** Reads a CSV with a header row piece by piece. Without a delimiter, the first 64 KiB tell it. */
export function createCsvReader(options: TableOptions & { delimiter?: string }): CsvReader {
  let { delimiter } = options;
  let sample: Buffer = Buffer.alloc(0);
  let parser: RecordParser | null = null;
  let table: Table | null = null;

  async function begin(): Promise<RecordParser> {
    delimiter ??= detectDelimiter(sample.toString());
    parser = createRecordParser(delimiter, (fields, line) => {
      if (table === null) table = createTable(fields, options);
      else table.add(fields, line);
    });
    await parser.write(sample);
    return parser;
  }

  return {
    get rows() {
      return table?.rows ?? 0;
    },
    async write(chunk) {
      if (parser !== null) return parser.write(chunk);
      sample = Buffer.concat([sample, chunk]);
      if (delimiter !== undefined || sample.length >= SAMPLE_BYTES) await begin();
    },
    async end() {
      await (parser ?? (await begin())).end();
      if (table === null || delimiter === undefined) {
        throw new JobError("the CSV has no header row", { code: "csv_empty" });
      }
      return { delimiter, ...table.summary() };
    },
  };
}
