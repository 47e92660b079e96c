export const DELIMITERS = [",", ";", "\t", "|"] as const;
export type Delimiter = (typeof DELIMITERS)[number];

const MAX_ROWS = 50;

/**
 * The delimiter a CSV seems to use: the one that cuts the most rows of the sample into as many
 * fields as the header, and into the most fields among equals. What is quoted does not count.
 * @param sample the start of the CSV; a last row without a line ending counts only when alone
 */
export function detectDelimiter(sample: string): Delimiter {
  const rows = countPerRow(sample);
  let best: { delimiter: Delimiter; alike: number; count: number } | null = null;
  for (const [index, delimiter] of DELIMITERS.entries()) {
    const count = rows[0]?.[index] ?? 0;
    if (count === 0) continue;
    const alike = rows.filter((row) => row[index] === count).length;
    if (best === null || alike > best.alike || (alike === best.alike && count > best.count)) {
      best = { delimiter, alike, count };
    }
  }
  return best?.delimiter ?? ",";
}

/** For each row of the sample how often each delimiter occurs outside quotes. */
function countPerRow(sample: string): number[][] {
  const rows: number[][] = [];
  let row = DELIMITERS.map(() => 0);
  let quoted = false;
  let blank = true;
  for (const char of sample) {
    if (char === '"') quoted = !quoted;
    if (!quoted && (char === "\n" || char === "\r")) {
      if (!blank) rows.push(row);
      if (rows.length === MAX_ROWS) return rows;
      row = DELIMITERS.map(() => 0);
      blank = true;
      continue;
    }
    blank = false;
    const index = quoted ? -1 : DELIMITERS.findIndex((one) => one === char);
    if (index >= 0) row[index] = (row[index] ?? 0) + 1;
  }
  if (rows.length === 0) rows.push(row);
  return rows;
}
