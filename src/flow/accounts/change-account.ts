import { FIRST_ACCOUNT, type Account, type AccountState } from "../../core/account.ts";
import { changesOf, type AuditAction, type Author } from "../../core/audit.ts";
import { newId } from "../../core/ids.ts";
import { Problem } from "../../core/problem.ts";
import {
  findAccountByName,
  getAccount,
  lockAccount,
  renameAccount,
  setAccountState,
} from "../../db/accounts/accounts.ts";
import { revokeAllKeys } from "../../db/accounts/api-keys.ts";
import { orderDeletion } from "../../db/accounts/deletion.ts";
import { wake } from "../../db/queue/wake.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Tx } from "../../db/transaction.ts";
import type { Context } from "../context.ts";
import { makeAccount } from "./accounts.ts";
import { recordAudit } from "./audit.ts";

/** The operator that changes accounts: its audit log tells of it. */
export interface Operator {
  operatorId: string;
  by: Author;
}

/** @throws Problem account_name_taken */
export async function createAccount(
  context: Pick<Context, "pool" | "vault">,
  { name, ...operator }: Operator & { name: string },
): Promise<Account> {
  return await inTransaction(context.pool, async (tx) => {
    const id = newId();
    if (!(await makeAccount(tx, context, { id, name }))) throw nameTaken();
    const account = (await getAccount(tx, id))!;
    await record(tx, operator, account, "account.created", null, { name });
    return account;
  });
}

export interface AccountChanges {
  name?: string;
  state?: "active" | "suspended";
  reason?: string | null;
}

/**
 * Renames, suspends or resumes an account. While it is suspended nothing new is accepted; what was
 * accepted goes on, deliveries as well.
 * @throws Problem not_found, account_name_taken, account_state
 */
export async function changeAccount(
  { pool }: Pick<Context, "pool">,
  { accountId, changes, ...operator }: Operator & { accountId: string; changes: AccountChanges },
): Promise<Account> {
  return await inTransaction(pool, async (tx) => {
    const before = await lockChangeable(tx, accountId);
    const { name = before.name, state = before.state, reason = null } = changes;
    if (name !== before.name) {
      if (before.name === FIRST_ACCOUNT) throw firstAccount("renamed");
      if ((await findAccountByName(tx, name)) !== null) throw nameTaken();
      await renameAccount(tx, accountId, name);
      await record(tx, operator, before, "account.renamed", { name: before.name }, { name });
    }
    if (state !== before.state || (state === "suspended" && reason !== before.state_reason)) {
      if (state === "suspended") refuseOwn(accountId, operator);
      await setAccountState(tx, accountId, { state, reason });
      const action = state === "suspended" ? "account.suspended" : "account.resumed";
      const was = { state: before.state, reason: before.state_reason };
      await record(tx, operator, before, action, was, { state, reason });
    }
    return (await getAccount(tx, accountId))!;
  });
}

/**
 * Begins to delete an account: its keys stop working at once, its data goes in steps.
 * @throws Problem not_found, account_state
 */
export async function deleteAccount(
  { pool }: Pick<Context, "pool">,
  { accountId, ...operator }: Operator & { accountId: string },
): Promise<Account> {
  return await inTransaction(pool, async (tx) => {
    const account = await lockAccount(tx, accountId);
    if (account?.state === "deleting") return account;
    const { name, state } = await lockChangeable(tx, accountId);
    if (name === FIRST_ACCOUNT) throw firstAccount("deleted");
    refuseOwn(accountId, operator);
    await setAccountState(tx, accountId, { state: "deleting", reason: null });
    await orderDeletion(tx, accountId, operator.operatorId);
    await revokeAllKeys(tx, accountId);
    const after = { state: "deleting" as AccountState };
    await record(tx, operator, account!, "account.deletion_started", { state }, after);
    await wake(tx, [{ task: "delete-account", id: accountId, delayMs: 0 }]);
    return (await getAccount(tx, accountId))!;
  });
}

async function lockChangeable(tx: Tx, accountId: string): Promise<Account> {
  const account = await lockAccount(tx, accountId);
  if (account === null) throw new Problem("not_found", "There is no such account.");
  if (account.state === "deleting" || account.state === "deleted") {
    throw new Problem("account_state", `The account is ${account.state}.`);
  }
  return account;
}

function refuseOwn(accountId: string, { operatorId }: Operator): void {
  if (accountId !== operatorId) return;
  throw new Problem("account_state", "It is the account of the API key that asks.");
}

function firstAccount(what: string): Problem {
  return new Problem("account_state", `The account that the server makes can't be ${what}.`);
}

function nameTaken(): Problem {
  return new Problem("account_name_taken", "Another account has this name.", {
    errors: [{ pointer: "/name", detail: "is taken" }],
  });
}

async function record(
  tx: Tx,
  { operatorId, by }: Operator,
  { id, name }: Account,
  action: AuditAction,
  before: Record<string, unknown> | null,
  after: Record<string, unknown>,
): Promise<void> {
  const target = { type: "account" as const, id, name };
  const change = before === null ? { after } : changesOf(before, after);
  await recordAudit(tx, by, { accountId: operatorId, action, target, ...change });
}
