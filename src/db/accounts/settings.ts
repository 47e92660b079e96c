import type { Reader, Tx } from "../transaction.ts";

export async function readSetting(reader: Reader, name: string): Promise<string | null> {
  const { rows } = await reader.query<{ value: string }>(
    `select value from settings where name = $1`,
    [name],
  );
  return rows[0]?.value ?? null;
}

/** Writes a setting unless it exists. */
export async function insertSetting(tx: Tx, name: string, value: string): Promise<void> {
  await tx.query(`insert into settings (name, value) values ($1, $2) on conflict do nothing`, [
    name,
    value,
  ]);
}

/** Writes a setting if its value is still the one read before. */
export async function replaceSetting(
  tx: Tx,
  name: string,
  { from, to }: { from: string; to: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update settings set value = $3 where name = $1 and value = $2`,
    [name, from, to],
  );
  return rowCount === 1;
}
