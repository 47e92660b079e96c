import type { Command } from "commander";
import type { ApiKey, ApiKeyInput } from "../../client/openapi-types.ts";
import { usageError } from "../exit.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, inSession, onApi, withConnection } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { collectList } from "../api/input.ts";
import { findAccount } from "../api/find-account.ts";
import { addRotation, addSigningKeys } from "./key-rotation.ts";
import { showList, withPaging } from "../api/list.ts";
import type { ListOptions } from "../api/list.ts";
import { openOutput } from "../api/session.ts";
import type { ServerOptions } from "../api/session.ts";

interface CreateOptions {
  name: string;
  scopes: string[];
  endpoint?: string[];
  account?: string;
  database?: true;
}

/** `ringback keys …` */
export function addKeys(cli: Cli, program: Command): void {
  const keys = program.command("keys").description("API keys, and keys that sign and seal");
  const list = withPaging(keys.command("list").description("list API keys, newest first"));
  onApi(cli, list, async (session, options: ListOptions) => {
    const read = (query: { limit: number; cursor?: string }) =>
      session.client.request("GET /v1/api-keys", { query });
    await showList(session, options, read, COLUMNS);
  });
  examples(list, "keys list");
  addCreate(cli, keys);
  const revoke = keys.command("revoke <id>").description("revoke an API key; it works no longer");
  onApi(cli, revoke, async ({ client, out }, id: string) => {
    await client.request("DELETE /v1/api-keys/{id}", { id });
    out.answer({ id, revoked: true }, () => out.line(`${id} is revoked.`));
  });
  examples(revoke, "keys revoke key_01…");
  addSigningKeys(cli, keys);
  addRotation(cli, keys);
}

function addCreate(cli: Cli, keys: Command): void {
  const create = keys
    .command("create")
    .description("make an API key and print it, once")
    .requiredOption(
      "--scopes <list>",
      "comma-separated: jobs:read, jobs, webhooks:read, webhooks, admin:read, admin; with --database also operator",
      collectList,
    )
    .option("--name <name>", "what it is for", "command line")
    .option("--endpoint <ids>", "comma-separated: the only endpoints that it sees", collectList)
    .option(
      "--account <account>",
      "of another account; with --database by its name, and made when missing",
    )
    .option(
      "--database",
      "make it in the database of DATABASE_URL, or of the data folder, without a server or a key",
    );
  withConnection(create).action(async (options: CreateOptions & ServerOptions) => {
    const { name, scopes, account } = options;
    if (options.database === true) {
      if (options.endpoint !== undefined) throw usageError("--endpoint needs a server");
      const { createKeyInDatabase } = await import("../keys-in-database.ts");
      const key = await createKeyInDatabase({ name, scopes, account: account ?? "default" });
      openOutput(options, cli.terminal).answer({ key, name, scopes }, () =>
        cli.terminal.stdout.write(`${key}\n`),
      );
      return;
    }
    await inSession(cli, options, async ({ client, out }) => {
      // the server refuses unknown scopes
      const body = {
        name,
        scopes: scopes as ApiKeyInput["scopes"],
        ...(options.endpoint === undefined ? {} : { endpoint_ids: options.endpoint }),
      };
      const made =
        account === undefined
          ? await client.request("POST /v1/api-keys", { body })
          : await client.accounts.createApiKey(await findAccount(client, account), body);
      out.answer(made, () => out.line(made.key));
    });
  });
  examples(
    create,
    'keys create --scopes jobs,webhooks --name "order system"',
    "keys create --scopes webhooks:read --endpoint ep_01…",
    "keys create --account acme --scopes admin",
    "keys create --database --scopes admin --account acme",
  );
}

const COLUMNS: readonly TextColumn<ApiKey>[] = [
  { head: "ID", text: ({ id }) => id },
  {
    head: "NAME",
    text: ({ name, current }) => (current ? `${name} (this one)` : name),
    gives: true,
  },
  { head: "SCOPES", text: ({ scopes }) => scopes.join(", ") },
  { head: "ENDPOINTS", text: ({ endpoint_ids }) => endpoint_ids?.join(", ") ?? "all" },
  { head: "CREATED", text: ({ created_at }) => relative(created_at) },
  { head: "LAST USED", text: ({ last_used_at }) => relative(last_used_at) },
  { head: "REVOKED", text: ({ revoked_at }) => relative(revoked_at), style: () => "red" },
];
