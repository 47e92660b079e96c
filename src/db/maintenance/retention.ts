import type { Rewrite } from "./rewrite.ts";
import type { Reader, Tx } from "../transaction.ts";

/** The time after which a turn not kept ends, in s: longer than any statement may take. */
const HELD_S = 60;
const EVERY_S = 1_800;
const FIRST_RETRY_S = 60;

/** The state at the beginning of a turn: the rewrite under way, and tables to be dropped. */
export interface Turn {
  rewrite: Rewrite | null;
  gone: string[];
  failures: number;
}

/** Takes the turn to retain; null: another process has it, or, with `due`, it is too early. */
export async function takeTurn(tx: Tx, holder: string, due: boolean): Promise<Turn | null> {
  const { rows } = await tx.query<Turn>(
    `update retention set holder = $1, held_until = now() + $2 * interval '1 second'
     where (holder is null or held_until < now()) and (next_at <= now() or not $3)
     returning rewrite, gone, failures`,
    [holder, HELD_S, due],
  );
  return rows[0] ?? null;
}

/** Keeps the turn for a while more, and others out until the transaction ends; false: lost. */
export async function keepTurn(tx: Tx, holder: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update retention set held_until = now() + $2 * interval '1 second' where holder = $1`,
    [holder, HELD_S],
  );
  return rowCount === 1;
}

/** Ends the turn. `failed`: the next is sooner at first, then later. `left`: it may come now. */
export async function endTurn(
  tx: Tx,
  holder: string,
  how: "done" | "failed" | "left",
): Promise<void> {
  await tx.query(
    `update retention set holder = null,
       failures = case when $2 = 'failed' then failures + 1 else 0 end,
       next_at = now() + interval '1 second' * case $2 when 'left' then 0 when 'done' then $3::int
         else least($3::int, $4::int * 2 ^ least(failures, 10)) end
     where holder = $1`,
    [holder, how, EVERY_S, FIRST_RETRY_S],
  );
}

/** Brings the next turn forward, as weeks could not be made at a start. */
export async function hastenTurn(tx: Tx): Promise<void> {
  await tx.query("update retention set next_at = now()");
}

export async function listGone(reader: Reader): Promise<string[]> {
  const { rows } = await reader.query<{ gone: string[] }>("select gone from retention");
  return rows[0]!.gone;
}

/** Drops a table that was a partition, when no session needs it any more. */
export async function dropGone(tx: Tx, name: string): Promise<void> {
  await tx.query(`drop table if exists ${name}`);
  await tx.query("update retention set gone = array_remove(gone, $1)", [name]);
}
