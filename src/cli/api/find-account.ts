import type { Ringback } from "../../client/ringback.ts";
import { CliError, EXIT } from "../exit.ts";

/** The id of an account, given by its id or its name. */
export async function findAccount(client: Ringback, account: string): Promise<string> {
  if (account.startsWith("acc_")) return account;
  for await (const { id, name } of client.accounts.list({ limit: 200 })) {
    if (name === account) return id;
  }
  throw new CliError(EXIT.notFound, `there is no account ${JSON.stringify(account)}`);
}
