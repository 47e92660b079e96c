import type { Reader } from "../transaction.ts";

/** A row of the view `books`: the number of deliveries of one message in each state. */
export interface Books {
  created: number;
  pending: number;
  delivered: number;
  dead: number;
  canceled: number;
  dead_letters: number;
  balanced: boolean;
}

export async function getBooks(reader: Reader, messageId: string): Promise<Books | null> {
  const { rows } = await reader.query<Books>(
    `select created, pending::int, delivered::int, dead::int, canceled::int, dead_letters::int,
       balanced
     from books where message_id = $1`,
    [messageId],
  );
  return rows[0] ?? null;
}
