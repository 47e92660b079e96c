import { decodeCursor, encodeCursor } from "../../core/cursor.ts";
import { jsonText, type Reply } from "../reply.ts";

/** The longest page, in bytes of its items; a longer one ends earlier. */
export const MAX_PAGE_BYTES = 1_048_576;

export interface PageQuery {
  limit: number;
  cursor?: string | undefined;
}

/** One page of a list: items as JSON texts, and the cursor of the next page. */
export interface PageTexts {
  items: string[];
  next: string | null;
}

/** Rows, and the last one looked at when there may be more behind it. */
type Walk<Row> = { rows: Row[]; stoppedAt: string | null };
type ReadPage<Row> = (page: {
  before: string | undefined;
  limit: number;
}) => Promise<Row[] | Walk<Row>>;

/**
 * Reads one page of a list, newest first.
 * @param list name of the list, part of its cursors
 * @param read the rows after `before`, at most `limit`; or fewer, with more bytes than a page or when
 *   it stopped to look
 * @param toText a row as JSON
 * @throws Problem `cursor_invalid`
 */
export async function readPage<Row extends { id: string }>(
  list: string,
  { limit, cursor }: PageQuery,
  read: ReadPage<Row>,
  toText: (row: Row) => string,
): Promise<PageTexts> {
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  // One row more than the page shows whether there is another page.
  const found = await read({ before, limit: limit + 1 });
  const { rows, stoppedAt } = Array.isArray(found) ? { rows: found, stoppedAt: null } : found;
  const items: string[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, limit)) {
    const text = toText(row);
    bytes += Buffer.byteLength(text);
    if (bytes > MAX_PAGE_BYTES && items.length > 0) break;
    items.push(text);
  }
  const last = rows.length > items.length ? rows[items.length - 1]!.id : stoppedAt;
  return { items, next: last === null ? null : encodeCursor(list, last) };
}

/** A page as JSON, with more members. */
export function pageText({ items, next }: PageTexts, more: object = {}): string {
  const rest = JSON.stringify({ next_cursor: next, ...more });
  return `{"data":[${items.join(",")}],${rest.slice(1)}`;
}

/** Answers with one page of a list; see `readPage`. */
export async function pageReply<Row extends { id: string }>(
  list: string,
  query: PageQuery,
  read: ReadPage<Row>,
  toText: (row: Row) => string,
): Promise<Reply> {
  return jsonText(200, pageText(await readPage(list, query, read, toText)));
}
