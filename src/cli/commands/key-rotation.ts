import type { Command } from "commander";
import type { SigningKeys } from "../../client/openapi-types.ts";
import { EXIT, usageError } from "../exit.ts";
import type { Output } from "../output/output.ts";
import { createProgress } from "../output/progress.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, inSession, onApi, withConnection } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { wholeNumber } from "../api/input.ts";
import { openOutput } from "../api/session.ts";
import type { ServerOptions } from "../api/session.ts";

/** `ringback keys signing` */
export function addSigningKeys(cli: Cli, keys: Command): void {
  const signing = keys
    .command("signing")
    .description("show the public keys that verify v1a signatures");
  onApi(cli, signing, async ({ client, out }) => {
    const found = await client.signing.keys();
    out.answer(found, () => showSigningKeys(out, found));
  });
  examples(signing, "keys signing");
}

/** `ringback keys rotate …` */
export function addRotation(cli: Cli, keys: Command): void {
  const rotate = keys.command("rotate").description("replace keys while all goes on");
  addRotateSigning(cli, rotate);
  addRotateMaster(cli, rotate);
}

interface RotateSigningOptions extends ServerOptions {
  overlapS: number;
  activateInS: number;
  database?: true;
  account?: string;
}

function addRotateSigning(cli: Cli, rotate: Command): void {
  const signing = rotate
    .command("signing")
    .description("make a new Ed25519 key; the present one signs beside it for a while")
    .option("--overlap-s <seconds>", "how long both sign", wholeNumber, 86_400)
    .option("--activate-in-s <seconds>", "how long it is only published", wholeNumber, 600)
    .option("--database", "in the database of DATABASE_URL, without a server or a key")
    .option("--account <name>", "with --database: whose key");
  withConnection(signing).action(async (options: RotateSigningOptions) => {
    const { overlapS, activateInS, account } = options;
    if (options.database === true) {
      const { rotateSigningInDatabase } = await import("../keys-in-database.ts");
      const rotation = { overlapS, activateInS, account: account ?? "default" };
      const { current, previous, next } = await rotateSigningInDatabase(rotation);
      const found = { ...viewOf(current), previous: viewOf(previous), next: viewOf(next) };
      const out = openOutput(options, cli.terminal);
      out.answer(found, () => showSigningKeys(out, found));
      return;
    }
    if (account !== undefined) throw usageError("--account goes with --database");
    await inSession(cli, options, async ({ client, out }) => {
      const body = { overlap_s: overlapS, activate_in_s: activateInS };
      const found = await client.signing.rotateKey(body);
      out.answer(found, () => showSigningKeys(out, found));
    });
  });
  examples(
    signing,
    "keys rotate signing",
    "keys rotate signing --overlap-s 604800",
    "keys rotate signing --database --account acme",
  );
}

function addRotateMaster(cli: Cli, rotate: Command): void {
  const master = rotate
    .command("master")
    .description("seal all secrets with the newest master key, in the database itself")
    .option("--check", "change nothing; count what other keys have sealed")
    .option("--json", "print JSON for programs");
  master.action(async (options: { check?: true; json?: boolean }) => {
    const { rotateMasterKey } = await import("../rotate-master.ts");
    const out = openOutput(options, cli.terminal);
    const check = options.check === true;
    const progress = createProgress(cli.terminal, out.json);
    const rotation = await rotateMasterKey({
      check,
      onStep({ column, rows, resealed }) {
        const what = `${column.table}.${column.column}: ${rows} rows looked at, ${resealed} sealed anew`;
        if (progress.visible) progress.update(rows, rows, what);
        else out.note(what);
      },
    }).finally(() => progress.stop());
    const { master_key: key, resealed, remaining, unknown } = rotation;
    out.answer(rotation, () => {
      if (!check) out.line(`${resealed} rows were sealed anew.`);
      out.line(`${remaining} rows remain that other keys than ${key} have sealed.`);
    });
    if (unknown > 0) out.note(`No given key opens what ${unknown} rows hold; they are left alone.`);
    cli.end(remaining === 0 ? EXIT.ok : EXIT.failed);
  });
  examples(master, "keys rotate master", "keys rotate master --check");
}

type ShownKeys = Pick<SigningKeys, "kid" | "public_key" | "not_before" | "expires_at"> & {
  previous: SigningKeys["previous"];
  next: SigningKeys["next"];
  jwks_url?: string;
};

interface Stored {
  kid: string;
  public_key: string;
  not_before: Date;
  expires_at: Date | null;
}

function viewOf(key: Stored): NonNullable<ShownKeys["next"]>;
function viewOf(key: Stored | null): ShownKeys["next"];
function viewOf(key: Stored | null): ShownKeys["next"] {
  if (key === null) return null;
  const { kid, public_key, not_before, expires_at } = key;
  return {
    kid,
    public_key,
    not_before: not_before.toISOString(),
    expires_at: expires_at?.toISOString() ?? null,
  };
}

function showSigningKeys(out: Output, keys: ShownKeys): void {
  const { previous, next } = keys;
  const rows = [
    ...(next === null ? [] : [{ state: "next", ...next }]),
    { ...keys, state: "current" },
    ...(previous === null ? [] : [{ state: "previous", ...previous }]),
  ];
  out.table(rows, COLUMNS);
  if (keys.jwks_url !== undefined) out.note(`Receivers find them at ${keys.jwks_url}`);
}

type KeyRow = Omit<ShownKeys, "previous" | "next"> & { state: string };

const COLUMNS: readonly TextColumn<KeyRow>[] = [
  { head: "KEY", text: ({ state }) => state },
  { head: "KID", text: ({ kid }) => kid },
  { head: "PUBLIC KEY", text: ({ public_key }) => public_key },
  { head: "FROM", text: ({ not_before }) => relative(not_before) },
  { head: "UNTIL", text: ({ expires_at }) => relative(expires_at) },
];
