import { z } from "zod";
import { defineJobType } from "../core/job-type.ts";
import type { RunContext } from "../core/job-type.ts";
import { COLUMN_TYPES } from "./csv-column.ts";
import { DELIMITERS } from "./csv-delimiter.ts";
import { createCsvReader } from "./csv-reader.ts";
import { inlineSource, urlSource } from "./csv-source.ts";

const name = z.string().min(1);
const input = z
  .strictObject({
    csv: z.string().optional().meta({ description: "The CSV itself, with a header row." }),
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({ description: "Where to fetch the CSV, streamed: it may be of any size." }),
    delimiter: z
      .enum(DELIMITERS)
      .optional()
      .meta({ description: "Found out from the first rows when left out." }),
    columns: z
      .array(name)
      .min(1)
      .optional()
      .meta({ description: "The columns to aggregate; all numeric ones when left out." }),
    group_by: z
      .union([name, z.array(name).min(1).max(8)])
      .optional()
      .meta({ description: "The columns whose values make the groups, at most 10,000." }),
  })
  .refine(({ csv, url }) => (csv === undefined) !== (url === undefined), {
    error: "give exactly one of csv and url",
  });

const stats = {
  count: z.int().meta({ description: "Values that are not null." }),
  sum: z.number().nullable().meta({ description: "Null when too large for a number." }),
  mean: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
};
const column = z.object({
  name: z.string(),
  type: z.enum(COLUMN_TYPES),
  nulls: z.int().meta({ description: "Empty values." }),
  ...z.object(stats).partial().shape,
});
const group = z.object({
  key: z.record(z.string(), z.string().nullable()),
  rows: z.int(),
  columns: z.record(z.string(), z.object(stats)),
});
const result = z.object({
  rows: z.int(),
  bytes: z.int().meta({ description: "Length of the CSV in UTF-8, without a byte order mark." }),
  delimiter: z.string(),
  columns: z.array(column).meta({ description: "All columns; statistics for numeric ones." }),
  groups: z.array(group).optional().meta({ description: "In the order of their first rows." }),
});

/**
 * Errors, all final unless said: csv_empty, csv_bad_encoding, csv_malformed, csv_ragged_row,
 * csv_duplicate_column, csv_missing_column, csv_not_numeric, csv_too_many_groups, target_blocked,
 * csv_fetch_failed (retryable unless a 4xx says otherwise).
 */
export const csvSummary = defineJobType({
  name: "csv.summary",
  description: "Streams a CSV: types, nulls and statistics of its columns, by group if wanted.",
  input,
  result,
  run: summarize,
});

async function summarize({
  input: { csv, url, delimiter, columns, group_by: groupBy = [] },
  signal,
  progress,
  fetch,
}: RunContext<z.infer<typeof input>>): Promise<z.infer<typeof result>> {
  const source = url === undefined ? inlineSource(csv ?? "") : await urlSource(url, fetch, signal);
  const reader = createCsvReader({
    groupBy: typeof groupBy === "string" ? [groupBy] : groupBy,
    ...(columns === undefined ? {} : { columns }),
    ...(delimiter === undefined ? {} : { delimiter }),
  });
  let bytes = 0;
  for await (const chunk of source.chunks) {
    signal.throwIfAborted();
    await reader.write(chunk);
    bytes += chunk.length;
    const fraction = source.totalBytes === null ? 0 : bytes / source.totalBytes;
    progress(fraction, `${reader.rows.toLocaleString("en")} rows`);
  }
  const summary = await reader.end();
  progress(1, `${summary.rows.toLocaleString("en")} rows`);
  return { bytes, ...summary };
}
