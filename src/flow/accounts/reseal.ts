import type { Context } from "../context.ts";
import {
  FIRST_ID,
  readSealedPage,
  replaceSealed,
  SEALED_COLUMNS,
} from "../../db/accounts/sealed.ts";
import type { SealedColumn } from "../../db/accounts/sealed.ts";
import { singleStatement } from "../../db/transaction.ts";

const PAGE = 500;
/** Writes under way at once. Each is a transaction that locks one row, for a moment. */
const AT_ONCE = 4;
/** A text that is sealed with an old key while a pass goes on is found by the next pass. */
const MOST_PASSES = 10;

export interface ResealStep {
  column: SealedColumn;
  /** Rows of this column examined so far. */
  rows: number;
  resealed: number;
}

/** Rows with texts that the newest key did not seal. */
export interface Remaining {
  /** Rows sealed with keys that the vault knows. */
  known: number;
  /** Rows sealed with unknown keys, damaged, or that only look sealed. */
  unknown: number;
}

type ResealContext = Pick<Context, "pool" | "vault">;

/**
 * Seals anew, with the newest key, all texts that other keys of the vault have sealed. Each row is
 * written only if it is unchanged since the read, so processes may go on meanwhile; after an
 * interruption, another call finds the rest. Returns how many rows were written.
 */
export async function resealAll(
  context: ResealContext,
  onStep: (step: ResealStep) => void,
): Promise<number> {
  let written = 0;
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    let found = 0;
    for (const column of SEALED_COLUMNS) {
      const step: ResealStep = { column, rows: 0, resealed: 0 };
      for await (const { rows, sealed } of walk(context, column)) {
        const changes = sealed.filter(({ from, to }) => from !== to);
        found += changes.length;
        for (let first = 0; first < changes.length; first += AT_ONCE) {
          const done = await Promise.all(
            changes
              .slice(first, first + AT_ONCE)
              .map((change) => replaceSealed(singleStatement(context.pool), column, change)),
          );
          step.resealed += done.filter(Boolean).length;
        }
        step.rows += rows;
        onStep(step);
      }
      written += step.resealed;
    }
    if (found === 0) break;
  }
  return written;
}

/** Counts the rows that `resealAll` has left. Writes nothing. */
export async function countRemaining(
  context: ResealContext,
  onStep: (step: ResealStep) => void = () => undefined,
): Promise<Remaining> {
  const remaining = { known: 0, unknown: 0 };
  for (const column of SEALED_COLUMNS) {
    const step: ResealStep = { column, rows: 0, resealed: 0 };
    for await (const { rows, sealed } of walk(context, column)) {
      const known = sealed.filter(({ from, to }) => from !== to).length;
      remaining.known += known;
      remaining.unknown += sealed.length - known;
      step.rows += rows;
      onStep(step);
    }
  }
  return remaining;
}

async function* walk(
  { pool, vault }: ResealContext,
  column: SealedColumn,
): AsyncGenerator<{ rows: number; sealed: { id: string; from: string; to: string }[] }, void> {
  const keyId = vault.keyIds[0]!;
  let after = FIRST_ID;
  for (;;) {
    const rows = await readSealedPage(pool, column, { after, keyId, limit: PAGE });
    const sealed = rows.flatMap(({ id, text }) =>
      text === null ? [] : [{ id, from: text, to: vault.reseal(text) }],
    );
    yield { rows: rows.length, sealed };
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.id;
  }
}
