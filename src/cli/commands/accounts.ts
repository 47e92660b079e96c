import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { Account } from "../../client/openapi-types.ts";
import { usageError } from "../exit.ts";
import { stateStyle } from "../output/output.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { findAccount } from "../api/find-account.ts";
import { showList, withPaging } from "../api/list.ts";
import type { ListOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";
import type { CliSession } from "../api/session.ts";

const POLL_MS = 1_000;
const ACCOUNT = "<account>";

/** `ringback accounts …` */
export function addAccounts(cli: Cli, program: Command): void {
  const accounts = program
    .command("accounts")
    .description("accounts of the service; needs a key with the scope operator");
  const list = withPaging(
    accounts
      .command("list")
      .description("list accounts, newest first")
      .option("--state <state>", "active, suspended, deleting or deleted"),
  );
  onApi(cli, list, async (session, options: ListOptions & { state?: Account["state"] }) => {
    const filter = queryOf(options, ["state"]);
    const read = (query: { limit: number; cursor?: string }) =>
      session.client.request("GET /v1/accounts", { query: { ...filter, ...query } });
    await showList(session, options, read, COLUMNS);
  });
  examples(list, "accounts list", "accounts list --state deleting");
  const get = accounts.command(`get ${ACCOUNT}`).description("look at an account, by id or name");
  onApi(cli, get, async (session, account: string) => {
    show(session, await session.client.accounts.get(await findAccount(session.client, account)));
  });
  examples(get, "accounts get acme");
  const create = accounts.command("create <name>").description("make an account");
  onApi(cli, create, async (session, name: string) => {
    const made = await session.client.accounts.create({ name });
    show(session, made);
    session.out.note(`Its first key: ringback keys create --account ${made.id} --scopes admin`);
  });
  examples(create, "accounts create acme");
  addChanges(cli, accounts);
  addDelete(cli, accounts);
}

function addChanges(cli: Cli, accounts: Command): void {
  const rename = accounts.command(`rename ${ACCOUNT} <name>`).description("give another name");
  onApi(cli, rename, async (session, account: string, name: string) => {
    const id = await findAccount(session.client, account);
    show(session, await session.client.accounts.rename(id, name));
  });
  examples(rename, "accounts rename acme acme-eu");
  const suspend = accounts
    .command(`suspend ${ACCOUNT}`)
    .description("accept nothing new; what was accepted is computed and delivered")
    .option("--reason <text>", "why");
  onApi(cli, suspend, async (session, account: string, { reason }: { reason?: string }) => {
    const id = await findAccount(session.client, account);
    show(session, await session.client.accounts.suspend(id, reason ?? null));
  });
  examples(suspend, "accounts suspend acme --reason unpaid");
  const resume = accounts.command(`resume ${ACCOUNT}`).description("accept again");
  onApi(cli, resume, async (session, account: string) => {
    const id = await findAccount(session.client, account);
    show(session, await session.client.accounts.resume(id));
  });
  examples(resume, "accounts resume acme");
}

function addDelete(cli: Cli, accounts: Command): void {
  const remove = accounts
    .command(`delete ${ACCOUNT}`)
    .description("delete an account with all its data, and wait for the end")
    .option("--yes", "it is meant: nothing brings the data back")
    .option("--detach", "don't wait for the end");
  onApi(cli, remove, async (session, account: string, options: DeleteOptions) => {
    if (options.yes !== true) throw usageError("this deletes all its data: add --yes");
    const { client, out, interrupted } = session;
    const id = await findAccount(client, account);
    let now = await client.accounts.delete(id);
    while (options.detach !== true && now.state === "deleting" && !interrupted.aborted) {
      if (!out.json) out.note(`${now.deleted_rows} rows deleted`);
      await sleep(POLL_MS, undefined, { signal: interrupted });
      now = await client.accounts.get(id);
    }
    show(session, now);
  });
  examples(remove, "accounts delete acme --yes", "accounts delete acc_01… --yes --detach");
}

interface DeleteOptions {
  yes?: boolean;
  detach?: boolean;
}

function show({ out }: CliSession, account: Account): void {
  const { id, name, state, reason, deleted_rows, created_at } = account;
  out.answer(account, () =>
    out.details([
      ["id", id],
      ["name", name],
      ["state", state],
      ["reason", reason],
      ["created", relative(created_at)],
      ["deleted rows", deleted_rows === 0 ? null : deleted_rows],
    ]),
  );
}

const COLUMNS: readonly TextColumn<Account>[] = [
  { head: "ID", text: ({ id }) => id },
  {
    head: "NAME",
    text: ({ name, current }) => (current ? `${name} (this one)` : name),
    gives: true,
  },
  { head: "STATE", text: ({ state }) => state, style: ({ state }) => stateStyle(state) },
  { head: "REASON", text: ({ reason }) => reason ?? "", gives: true },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
  {
    head: "DELETED ROWS",
    text: ({ deleted_rows }) => (deleted_rows === 0 ? "" : `${deleted_rows}`),
  },
];
