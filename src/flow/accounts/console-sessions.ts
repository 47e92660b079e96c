import type { Author } from "../../core/audit.ts";
import { newId } from "../../core/ids.ts";
import { deleteConsoleSession, insertConsoleSession } from "../../db/accounts/console-sessions.ts";
import { inTransaction } from "../../db/transaction.ts";
import type { Context } from "../context.ts";
import { recordAudit } from "./audit.ts";

interface Owner {
  accountId: string;
  keyId: string;
  by: Author;
}

/** Begins a session of the console. It ends after its lifetime, when signed out, or with its key. */
export async function beginConsoleSession(
  { pool }: Pick<Context, "pool">,
  { accountId, keyId, lifetimeS, by }: Owner & { lifetimeS: number },
): Promise<string> {
  const id = newId();
  await inTransaction(pool, async (tx) => {
    await insertConsoleSession(tx, { id, accountId, keyId, lifetimeS });
    await recordSession(tx, "console.signed_in", { accountId, keyId, by });
  });
  return id;
}

/** Ends a session for all processes, at once. */
export async function endConsoleSession(
  { pool }: Pick<Context, "pool">,
  { id, ...owner }: Owner & { id: string },
): Promise<void> {
  await inTransaction(pool, async (tx) => {
    if (await deleteConsoleSession(tx, id)) await recordSession(tx, "console.signed_out", owner);
  });
}

async function recordSession(
  tx: Parameters<typeof recordAudit>[0],
  action: "console.signed_in" | "console.signed_out",
  { accountId, keyId, by }: Owner,
): Promise<void> {
  const target = { type: "key" as const, id: keyId, name: by.actor.name };
  await recordAudit(tx, by, { accountId, action, target });
}
