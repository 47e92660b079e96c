import { pairHash } from "../core/search-keys.ts";
import { listByHash, type KeyedFilter } from "../db/search-keys.ts";
import type { Reader } from "../db/transaction.ts";

interface Wanted {
  metadata?: { name: string; value: string } | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
}

/** The rows that one page of a list by metadata looks at; nothing when it is not by metadata. */
export async function keyedPage(
  reader: Reader,
  accountId: string,
  { metadata, since, until }: Wanted,
  before: string | undefined,
): Promise<{ keyed?: KeyedFilter; lookedUntil: string | null }> {
  if (metadata === undefined) return { lookedUntil: null };
  const hash = pairHash(accountId, metadata.name, metadata.value);
  const { ids, more } = await listByHash(reader, hash, { since, until, before });
  return { keyed: { ids, ...metadata }, lookedUntil: more ? ids.at(-1)! : null };
}
