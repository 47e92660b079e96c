import type { Reader, Tx } from "../transaction.ts";

/** A column of sealed texts, or of JSON with some in it. The key of its table is `id`. */
export interface SealedColumn {
  table: string;
  column: string;
  type: "text" | "jsonb";
}

/** All columns that a master key seals, except the check of the key in `settings`. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: "signing_keys", column: "sealed", type: "text" },
  { table: "signing_secrets", column: "sealed", type: "text" },
  { table: "endpoints", column: "sealed_headers", type: "text" },
  { table: "jobs", column: "callbacks", type: "jsonb" },
  { table: "deliveries", column: "overrides", type: "jsonb" },
];

export const FIRST_ID = "00000000-0000-0000-0000-000000000000";

/**
 * The rows after an id, in order of id. The text is null when no key other than this one sealed
 * anything in it.
 */
export async function readSealedPage(
  reader: Reader,
  { table, column }: SealedColumn,
  page: { after: string; keyId: string; limit: number },
): Promise<{ id: string; text: string | null }[]> {
  const { rows } = await reader.query<{ id: string; text: string | null }>(
    `select id, case when ${column}::text ~ $2 then ${column}::text end as text
     from ${table} where id > $1 order by id limit $3`,
    [page.after, `sealed:(?!${page.keyId}:)[0-9a-f]{8}:`, page.limit],
  );
  return rows;
}

/** Replaces a text by the one that another key sealed. False: the row changed meanwhile. */
export async function replaceSealed(
  tx: Tx,
  { table, column, type }: SealedColumn,
  { id, from, to }: { id: string; from: string; to: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update ${table} set ${column} = $3::${type} where id = $1 and ${column}::text = $2`,
    [id, from, to],
  );
  return rowCount === 1;
}
