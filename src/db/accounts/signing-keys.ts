import type { PublicKey } from "../../core/jwk.ts";
import type { Reader, Tx } from "../transaction.ts";

const PUBLIC = "kid, public_key, not_before, expires_at";
const NOT_ENDED = "(expires_at is null or expires_at > clock_timestamp())";

/** The moment `inS` seconds from now, by the database's clock. */
export async function readMoment(reader: Reader, inS: number): Promise<Date> {
  // in milliseconds, the precision of a Date, so that the same moment is written back
  const { rows } = await reader.query<{ at: Date }>(
    `select date_trunc('milliseconds', clock_timestamp()) + $1 * interval '1 second' as at`,
    [inS],
  );
  return rows[0]!.at;
}

export async function insertSigningKey(
  tx: Tx,
  key: {
    id: string;
    accountId: string;
    kid: string;
    publicKey: string;
    sealed: string;
    notBefore: Date;
  },
): Promise<void> {
  await tx.query(
    `insert into signing_keys (id, account_id, kid, public_key, sealed, not_before)
     values ($1, $2, $3, $4, $5, $6)`,
    [key.id, key.accountId, key.kid, key.publicKey, key.sealed, key.notBefore],
  );
}

/** Deletes the keys that sign no more, and one that has not begun. */
export async function deleteUnusedSigningKeys(tx: Tx, accountId: string): Promise<void> {
  await tx.query(
    `delete from signing_keys
     where account_id = $1 and (not ${NOT_ENDED} or not_before > clock_timestamp())`,
    [accountId],
  );
}

/**
 * Ends the current key `overlapS` seconds after its successor begins. A key whose end is set
 * already ends when the successor begins, at the latest.
 */
export async function limitSigningKeys(
  tx: Tx,
  accountId: string,
  { successorAt, overlapS }: { successorAt: Date; overlapS: number },
): Promise<void> {
  await tx.query(
    `update signing_keys set expires_at = case
       when not_before = (select max(not_before) from signing_keys where account_id = $1)
         then $2::timestamptz + $3 * interval '1 second'
       else least(expires_at, $2) end
     where account_id = $1`,
    [accountId, successorAt, overlapS],
  );
}

/** The keys of these accounts that sign or will sign, per account the newest first. */
export async function findKeysOfAccounts(
  reader: Reader,
  accountIds: readonly string[],
): Promise<(PublicKey & { account_id: string; begun: boolean })[]> {
  const { rows } = await reader.query<PublicKey & { account_id: string; begun: boolean }>(
    `select account_id, ${PUBLIC}, not_before <= clock_timestamp() as begun from signing_keys
     where account_id = any($1) and ${NOT_ENDED} order by account_id, not_before desc`,
    [accountIds],
  );
  return rows;
}

export async function findKeysByKid(reader: Reader, kids: readonly string[]): Promise<PublicKey[]> {
  const { rows } = await reader.query<PublicKey>(
    `select ${PUBLIC} from signing_keys where kid = any($1) and ${NOT_ENDED}`,
    [kids],
  );
  return rows;
}

/** Keys of all accounts, the newest first. */
export async function listNewestKeys(reader: Reader, limit: number): Promise<PublicKey[]> {
  const { rows } = await reader.query<PublicKey>(
    `select ${PUBLIC} from signing_keys where ${NOT_ENDED} order by id desc limit $1`,
    [limit],
  );
  return rows;
}
