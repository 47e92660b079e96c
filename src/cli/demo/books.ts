import type { Pool } from "pg";
import { parseId } from "../../core/ids.ts";

/** A row of the view `books`: where the deliveries of one message are. */
export interface Books {
  created: number;
  pending: number;
  delivered: number;
  dead: number;
  canceled: number;
  dead_letters: number;
  balanced: boolean;
}

/** @param messageId `msg_…` */
export async function readBooks(pool: Pool, messageId: string): Promise<Books> {
  const { rows } = await pool.query<Books>(
    `select created, pending::int, delivered::int, dead::int, canceled::int, dead_letters::int,
       balanced
     from books where message_id = $1`,
    [parseId("message", messageId)],
  );
  const books = rows[0];
  if (books?.balanced !== true) throw new Error(`the books of ${messageId} do not balance`);
  return books;
}

export function booksLine(books: Books): string {
  const { created, pending, delivered, dead, canceled } = books;
  return `${created} created = ${pending} pending + ${delivered} delivered + ${dead} dead + ${canceled} canceled`;
}
