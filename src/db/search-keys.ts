import type { SearchKey } from "../core/search-keys.ts";
import { rowsAs } from "./rows.ts";
import type { RowParameters } from "./rows.ts";
import { idsWithin, type TimeRange } from "./created-within.ts";
import type { Reader } from "./transaction.ts";

/** Keys as parameters of a statement. @param first number of the first */
export function searchKeyRows(first: number): RowParameters<SearchKey> {
  return rowsAs<SearchKey>("k", { hash: "bigint", id: "uuid" }, { first });
}

/** The part of a statement that stores keys. */
export function insertKeys(keys: RowParameters<SearchKey>): string {
  return `insert into search_keys (hash, id) select hash, id from ${keys.sql}`;
}

const FIRST_ID = "00000000-0000-0000-0000-000000000000";
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

/** Ids of one page that are compared with what else is asked of them. */
const PAGE = 500;

/**
 * The newest ids with a hash in a range of times, behind an id.
 * @returns `more`: there are more behind the last of them
 */
export async function listByHash(
  reader: Reader,
  hash: string,
  page: TimeRange & { before?: string | undefined },
): Promise<{ ids: string[]; more: boolean }> {
  const { from, to } = idsWithin(page);
  const end = [page.before, to].filter((id) => id !== undefined && id !== null).toSorted()[0];
  const { rows } = await reader.query<{ id: string }>(
    `select id from (
       select hash, id from search_keys where (hash, id) < ($1, $2)
       order by hash desc, id desc limit ${PAGE}) k
     where hash = $1 and id >= $3`,
    [hash, end ?? LAST_ID, from ?? FIRST_ID],
  );
  return { ids: rows.map(({ id }) => id), more: rows.length === PAGE };
}

/** Rows that were found by a pair of metadata, to be compared with the pair itself. */
export interface KeyedFilter {
  ids: readonly string[];
  name: string;
  value: string;
}

/** Whether the metadata in a column has the pair. */
export function hasPair(
  column: string,
  { name, value }: KeyedFilter,
  bind: (value: unknown) => string,
): string {
  return `${column}::json ->> ${bind(name)}::text = ${bind(value)}`;
}
