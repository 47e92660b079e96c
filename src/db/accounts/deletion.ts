import type { Reader, Tx } from "../transaction.ts";

/** How far the deletion of the big tables has come, newest first, in the memory of one process. */
export type Positions = Map<string, string>;

type Remove = (tx: Tx, accountId: string, limit: number, at: Positions) => Promise<number>;

/** Rows of one account, the newest first, in the order in which nothing refers to what is gone. */
const REMOVALS: readonly Remove[] = [
  async (tx, accountId, limit, at) => {
    const ids = await chooseNext(tx, "deliveries", accountId, limit, at);
    return (
      (await removeBy(tx, "attempts", "delivery_id", ids)) +
      (await removeBy(tx, "dead_letters", "delivery_id", ids)) +
      (await removeBy(tx, "deliveries", "id", ids))
    );
  },
  async (tx, accountId, limit, at) =>
    await removeBy(tx, "messages", "id", await chooseNext(tx, "messages", accountId, limit, at)),
  async (tx, accountId, limit, at) => {
    const ids = await chooseNext(tx, "jobs", accountId, limit, at);
    return (await removeBy(tx, "job_ends", "id", ids)) + (await removeBy(tx, "jobs", "id", ids));
  },
  removeOf("idempotency_records"),
  async (tx, accountId, limit) => {
    const { rows } = await tx.query<{ id: string }>(
      "select id from replays where account_id = $1 limit 10",
      [accountId],
    );
    return await removeItems(tx, rows, limit);
  },
  removeOf("replays"),
  removeOf("signing_secrets"),
  removeLanes,
  removeOf("stats"),
  removeOf("notices"),
  removeOf("notice_windows"),
  removeOf("activity"),
  removeOf("activity_interest"),
  async (tx, accountId, limit, at) => {
    await tx.query(`set local ringback.audit_retention = 'on'`);
    return await removeOf("audit_events")(tx, accountId, limit, at);
  },
  removeOf("console_sessions"),
  removeOf("portal_sessions"),
  removeOf("api_keys"),
  removeOf("signing_keys"),
];

/** Deletes some rows of an account. Returns how many; 0: there are none, or others have them. */
export async function deleteSomeRows(
  tx: Tx,
  accountId: string,
  limit: number,
  at: Positions,
): Promise<number> {
  for (const remove of REMOVALS) {
    const count = await remove(tx, accountId, limit, at);
    if (count > 0) return count;
  }
  return 0;
}

/** Whether a row of the account is left in any table. */
export async function hasRows(reader: Reader, accountId: string): Promise<boolean> {
  const tables = [
    "deliveries",
    "messages",
    "unfinished_jobs",
    "jobs",
    "idempotency_records",
    "replays",
    "signing_secrets",
    "lanes",
    "stats",
    "activity",
    "audit_events",
    "api_keys",
    "signing_keys",
  ];
  const { rows } = await reader.query<{ left: boolean }>(
    `select ${tables.map((table) => `exists (select from ${table} where account_id = $1)`).join(" or ")}
       as left`,
    [accountId],
  );
  return rows[0]!.left;
}

/** Deletes some of the jobs of an account that don't run. Returns how many. */
export async function deletePendingJobs(tx: Tx, accountId: string, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from unfinished_jobs where id = any(array(
       select id from unfinished_jobs where account_id = $1 and status = 'pending'
       order by id desc limit $2 for update skip locked))`,
    [accountId, limit],
  );
  return rowCount ?? 0;
}

/** Jobs of an account that run, and whether they were told to stop. */
export async function findRunningJobs(
  reader: Reader,
  accountId: string,
  limit: number,
): Promise<{ id: string; told: boolean }[]> {
  const { rows } = await reader.query<{ id: string; told: boolean }>(
    `select id, cancel_requested_at is not null as told from unfinished_jobs
     where account_id = $1 and status = 'running' order by cancel_requested_at nulls first limit $2`,
    [accountId, limit],
  );
  return rows;
}

export async function findRunningReplays(reader: Reader, accountId: string): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select id from replays where account_id = $1 and status in ('running', 'paused') limit 100`,
    [accountId],
  );
  return rows.map(({ id }) => id);
}

/** Notes whose audit log is to tell of the end. */
export async function orderDeletion(tx: Tx, id: string, operatorId: string): Promise<void> {
  await tx.query(`update accounts set deleted_for = $2 where id = $1`, [id, operatorId]);
}

export async function findDeletionOrder(
  reader: Reader,
  id: string,
): Promise<{ operatorId: string }> {
  const { rows } = await reader.query<{ operatorId: string }>(
    `select coalesce(deleted_for, id) as "operatorId" from accounts where id = $1`,
    [id],
  );
  return rows[0]!;
}

export async function addDeletedRows(tx: Tx, id: string, count: number): Promise<void> {
  await tx.query(`update accounts set deleted_rows = deleted_rows + $2 where id = $1`, [id, count]);
}

/** Accounts that are being deleted, and that no wake-up waits for. */
export async function findForgottenDeletions(reader: Reader): Promise<string[]> {
  const { rows } = await reader.query<{ id: string }>(
    `select a.id from accounts a
     left join graphile_worker.jobs q on q.key = 'delete-account:' || a.id
     where a.state = 'deleting' and q.id is null limit 100`,
  );
  return rows.map(({ id }) => id);
}

/** The next rows of a big table; each is passed once, so that deleted ones are not passed again. */
async function chooseNext(
  tx: Tx,
  table: "deliveries" | "messages" | "jobs",
  accountId: string,
  limit: number,
  at: Positions,
): Promise<string[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from ${table} where account_id = $1 and ($2::uuid is null or id < $2)
     order by id desc limit $3 for update skip locked`,
    [accountId, at.get(table) ?? null, limit],
  );
  const ids = rows.map(({ id }) => id);
  // what is left above was locked, or came later
  if (ids.length > 0) at.set(table, ids.at(-1)!);
  else at.delete(table);
  return ids;
}

async function removeBy(
  tx: Tx,
  table: string,
  column: "id" | "delivery_id" | "endpoint_id",
  ids: readonly string[],
): Promise<number> {
  if (ids.length === 0) return 0;
  const { rowCount } = await tx.query(`delete from ${table} where ${column} = any($1::uuid[])`, [
    ids,
  ]);
  return rowCount ?? 0;
}

function removeOf(table: string): Remove {
  return async (tx, accountId, limit) => {
    const { rowCount } = await tx.query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where account_id = $1 limit $2 for update skip locked))`,
      [accountId, limit],
    );
    return rowCount ?? 0;
  };
}

/** Lanes that nobody pumps, with their endpoints, which refer to each other. */
async function removeLanes(tx: Tx, accountId: string, limit: number): Promise<number> {
  const { rows } = await tx.query<{ id: string; endpoint_id: string | null }>(
    `select id, endpoint_id from lanes where account_id = $1 and leased_by is null
     order by id desc limit $2 for update skip locked`,
    [accountId, limit],
  );
  if (rows.length === 0) return 0;
  const endpoints = rows.flatMap(({ endpoint_id }) => endpoint_id ?? []);
  await removeBy(tx, "skipped_messages", "endpoint_id", endpoints);
  await tx.query(
    `with gone as (delete from lanes where id = any($1::uuid[]))
     delete from endpoints where id = any($2::uuid[])`,
    [rows.map(({ id }) => id), endpoints],
  );
  return rows.length + endpoints.length;
}

/** Deletes some of what replays were made of. */
async function removeItems(
  tx: Tx,
  replays: readonly { id: string }[],
  limit: number,
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from replay_items where ctid = any(array(
       select ctid from replay_items where replay_id = any($1::uuid[]) limit $2))`,
    [replays.map(({ id }) => id), limit],
  );
  return rowCount ?? 0;
}
