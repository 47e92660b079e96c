import type { Reader } from "./transaction.ts";

/** The database's time, in ms since the epoch. */
export async function readClock(reader: Reader): Promise<number> {
  const { rows } = await reader.query<{ ms: number }>({
    name: "read_clock",
    text: "select extract(epoch from clock_timestamp())::float8 * 1000 as ms",
  });
  return rows[0]!.ms;
}
