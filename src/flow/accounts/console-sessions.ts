import { newId } from "../../core/ids.ts";
import { deleteConsoleSession, insertConsoleSession } from "../../db/accounts/console-sessions.ts";
import { singleStatement } from "../../db/transaction.ts";
import type { Context } from "../context.ts";

/** Begins a session of the console. It ends after its lifetime, when signed out, or with its key. */
export async function beginConsoleSession(
  { pool }: Pick<Context, "pool">,
  session: { accountId: string; keyId: string; lifetimeS: number },
): Promise<string> {
  const id = newId();
  await insertConsoleSession(singleStatement(pool), { id, ...session });
  return id;
}

/** Ends a session for all processes, at once. */
export async function endConsoleSession(
  { pool }: Pick<Context, "pool">,
  id: string,
): Promise<void> {
  await deleteConsoleSession(singleStatement(pool), id);
}
