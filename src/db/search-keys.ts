import type { SearchKey } from "../core/search-keys.ts";
import { rowsAs } from "./rows.ts";
import type { RowParameters } from "./rows.ts";
import type { Reader } from "./transaction.ts";

/** Keys as parameters of a statement. @param first number of the first */
export function searchKeyRows(first: number): RowParameters<SearchKey> {
  return rowsAs<SearchKey>("k", { hash: "bigint", id: "uuid" }, { first });
}

/** The part of a statement that stores keys. */
export function insertKeys(keys: RowParameters<SearchKey>): string {
  return `insert into search_keys (hash, id) select hash, id from ${keys.sql}`;
}

const LAST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Names under which one value is looked for. */
const NAMES = 20;

/** The newest ids with a key within the range of hashes, at most so many for each hash. */
export async function findByHash(
  reader: Reader,
  { from, to }: { from: string; to: string },
  limit: number,
): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `with recursive hashes as (
       (select hash from search_keys where hash >= $1 and hash <= $2 order by hash limit 1)
       union all
       select (select hash from search_keys where hash > h.hash and hash <= $2 order by hash limit 1)
       from hashes h where h.hash is not null),
     names as (select hash from hashes where hash is not null limit ${NAMES})
     select k.id from names cross join lateral (
       -- a walk from there on, since a planner that expects few rows of a hash would sort them all
       select hash, id from search_keys where (hash, id) <= (names.hash, '${LAST_ID}')
       order by hash desc, id desc limit $3) k
     where k.hash = names.hash order by k.id desc limit $3`,
    [from, to, limit],
  );
  return [...new Set(rows.map(({ id }) => id))];
}
