import { SETTINGS } from "../../db/connection.ts";
import { findOldTransactions, listServerSettings } from "../../db/inspection/server.ts";
import { createPool } from "../../db/pool.ts";
import type { Reader } from "../../db/transaction.ts";
import { duration } from "../output/times.ts";
import { fail, ok, warn } from "./check.ts";
import type { Finding } from "./check.ts";

const SOURCES: Readonly<Record<string, string>> = {
  client: "DATABASE_URL",
  "configuration file": "server",
  "command line": "server",
};

/** Checks that the program's own settings are in force, and which others they override. */
export async function checkOwnSettings(reader: Reader, databaseUrl: string): Promise<Finding> {
  const name = "own settings";
  const names = Object.keys(SETTINGS);
  const pool = createPool({
    connectionString: databaseUrl,
    max: 1,
    name: "doctor",
    onError: () => undefined,
  });
  try {
    const wanted: Readonly<Record<string, string>> = SETTINGS;
    const own = await listServerSettings(pool, names);
    const lost = own.filter((one) => one.setting !== wanted[one.name]);
    if (lost.length > 0) {
      return fail(
        name,
        `do not hold: ${lost.map((one) => `${one.name} = ${one.setting}`).join(", ")}`,
        "connect directly or through a pooler in session mode",
      );
    }
    const others = await listServerSettings(reader, names);
    const overridden = others
      // a default that nobody chose is mentioned only where it is known to cost
      .filter((one) => one.setting !== wanted[one.name])
      .filter((one) => one.source !== "default" || one.name === "jit")
      .map((one) => `${one.name} = ${one.setting} (${SOURCES[one.source] ?? one.source})`);
    const detail = overridden.length === 0 ? "" : `; overridden: ${overridden.join(", ")}`;
    return ok(name, `hold on each connection${detail}`);
  } finally {
    await pool.end();
  }
}

/** Settings under which an answer of 202 may be forgotten, with the risk. */
const UNSAFE: readonly { name: string; value: string; risk: string }[] = [
  { name: "fsync", value: "off", risk: "a crash of the machine may destroy the database" },
  { name: "full_page_writes", value: "off", risk: "a crash of the machine may damage pages" },
  { name: "synchronous_commit", value: "off", risk: "a crash may lose what was acknowledged" },
];

export async function checkDurability(reader: Reader): Promise<Finding> {
  const name = "durability";
  const names = [...UNSAFE.map((one) => one.name), "default_transaction_read_only"];
  const found = await listServerSettings(reader, names);
  const value = (of: string): string | undefined => found.find((one) => one.name === of)?.setting;
  if (value("default_transaction_read_only") === "on") {
    const advice = "set default_transaction_read_only = off, for the role and the database";
    return fail(name, "nothing can be written: transactions are read-only", advice);
  }
  const unsafe = UNSAFE.filter((one) => value(one.name) === one.value);
  if (unsafe.length === 0) return ok(name, "what is acknowledged survives a crash");
  return warn(
    name,
    unsafe.map((one) => `${one.name} is ${one.value}: ${one.risk}`).join("; "),
    `set ${unsafe.map((one) => `${one.name} = on`).join(", ")}`,
  );
}

export async function checkVacuum(reader: Reader): Promise<Finding> {
  const name = "vacuum";
  const found = await listServerSettings(reader, ["autovacuum", "track_counts"]);
  const off = found.filter(({ setting }) => setting === "off").map((one) => one.name);
  if (off.length === 0) return ok(name, "is automatic");
  return warn(
    name,
    `${off.join(" and ")} off: dead rows pile up, and plans are made for tables as they were`,
    `set ${off.map((one) => `${one} = on`).join(", ")}`,
  );
}

/** Age from which a transaction matters, as vacuum can't remove rows that died since. */
const OLD_MS = 300_000;
/** Transactions begun since, from which one matters whose age is not known. */
const OLD_XIDS = 1_000_000;

/** Checks for old transactions: left open, prepared, or of slots of standbys that are away. */
export async function checkOldTransactions(reader: Reader, oldMs = OLD_MS): Promise<Finding> {
  const name = "old transactions";
  const found = await findOldTransactions(reader, { ms: oldMs, xids: OLD_XIDS });
  if (found.length === 0) return ok(name, "none");
  return warn(
    name,
    found.map(({ what, ms }) => (ms === null ? what : `${what} for ${duration(ms)}`)).join("; "),
    "end it: until then nothing that has died is removed, and everything becomes slower",
  );
}
