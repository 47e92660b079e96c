import type { Reader, Tx } from "../transaction.ts";

/** The owner of a secret: an endpoint, or (null) the account, for the origins of callback URLs. */
export interface SecretOwner {
  accountId: string;
  endpointId: string | null;
}

export async function insertSecret(
  tx: Tx,
  owner: SecretOwner,
  secret: { id: string; sealed: string },
): Promise<void> {
  await tx.query(
    `insert into signing_secrets (id, account_id, endpoint_id, sealed) values ($1, $2, $3, $4)`,
    [secret.id, owner.accountId, owner.endpointId, secret.sealed],
  );
}

/** Lets the current secret sign for `overlapS` more seconds. Returns when the last old one ends. */
export async function expireSecrets(tx: Tx, owner: SecretOwner, overlapS: number): Promise<Date> {
  const { rows } = await tx.query<{ expires_at: Date }>(
    `update signing_secrets set expires_at = least(expires_at, now() + $3 * interval '1 second')
     where account_id = $1 and endpoint_id is not distinct from $2
       and (expires_at is null or expires_at > now())
     returning expires_at`,
    [owner.accountId, owner.endpointId, overlapS],
  );
  return new Date(Math.max(...rows.map(({ expires_at }) => expires_at.getTime())));
}

/** The current secret, and when the last old one that still signs beside it ends. */
export async function findCurrentSecret(
  reader: Reader,
  owner: SecretOwner,
): Promise<{ sealed: string; previous_expires_at: Date | null } | null> {
  const { rows } = await reader.query<{ sealed: string; previous_expires_at: Date | null }>(
    `select sealed, (select max(expires_at) from signing_secrets
                     where account_id = $1 and endpoint_id is not distinct from $2
                       and expires_at > now()) as previous_expires_at
     from signing_secrets
     where account_id = $1 and endpoint_id is not distinct from $2 and expires_at is null
     order by id desc limit 1`,
    [owner.accountId, owner.endpointId],
  );
  return rows[0] ?? null;
}

/** A secret that signs: derived for an origin from an account's, or used as it is. */
export interface SecretInUse {
  sealed: string;
  of: "origin" | "itself";
}

/** All secrets that sign at present: of endpoints, accounts and pending callbacks. */
export async function listSecretsInUse(reader: Reader): Promise<SecretInUse[]> {
  const { rows } = await reader.query<SecretInUse>(
    `select sealed, case when endpoint_id is null then 'origin' else 'itself' end as of
       from signing_secrets where expires_at is null or expires_at > now()
     union all select distinct overrides ->> 'sealed_secret', 'itself' from deliveries
       where status = 'pending' and overrides ? 'sealed_secret'`,
  );
  return rows;
}
