import { decodeCursor, encodeCursor } from "../../core/cursor.ts";
import { jsonText, type Reply } from "../reply.ts";

/**
 * Answers with one page of a list, newest first.
 * @param list name of the list, part of its cursors
 * @param read the rows behind `before`, at most `limit` of them
 * @param toText a row as JSON
 * @throws Problem `cursor_invalid`
 */
export async function pageReply<Row extends { id: string }>(
  list: string,
  query: { limit: number; cursor?: string | undefined },
  read: (page: { before: string | undefined; limit: number }) => Promise<Row[]>,
  toText: (row: Row) => string,
): Promise<Reply> {
  const { limit, cursor } = query;
  const before = cursor === undefined ? undefined : decodeCursor(list, cursor);
  // One more than the page tells whether there is another page.
  const rows = await read({ before, limit: limit + 1 });
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  const next = last === undefined ? null : encodeCursor(list, last.id);
  const text = `{"data":[${shown.map(toText).join(",")}],"next_cursor":${JSON.stringify(next)}}`;
  return jsonText(200, text);
}
