import { join } from "node:path";
import type { EmbeddedPostgresOptions } from "../../src/cli/embedded-postgres.ts";

/**
 * Which server tests start: that of `TEST_POSTGRES_BIN`, a folder with `postgres` and `initdb`, with
 * its own default for JIT; else the embedded one.
 */
export function chosenServer(): Required<Pick<EmbeddedPostgresOptions, "flags">> &
  Pick<EmbeddedPostgresOptions, "binaries"> {
  const folder = process.env["TEST_POSTGRES_BIN"];
  if (folder === undefined) return { flags: [] };
  return {
    binaries: { postgres: join(folder, "postgres"), initdb: join(folder, "initdb") },
    flags: ["-c", "jit=on"],
  };
}
