import type { Reader } from "../../db/transaction.ts";
import { getBooks } from "../../db/deliveries/books.ts";
import type { Books } from "../../db/deliveries/books.ts";
import { parseId } from "../../core/ids.ts";

export type { Books };

/** @param messageId `msg_…` @throws Error the books do not balance */
export async function readBooks(pool: Reader, messageId: string): Promise<Books> {
  const books = await getBooks(pool, parseId("message", messageId) ?? "");
  if (books?.balanced !== true) throw new Error(`the books of ${messageId} do not balance`);
  return books;
}

export function booksLine(books: Books): string {
  const { created, pending, delivered, dead, canceled } = books;
  return `${created} created = ${pending} pending + ${delivered} delivered + ${dead} dead + ${canceled} canceled`;
}
