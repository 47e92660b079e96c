import { findPostgresBinaries } from "../../src/embedded-postgres/binaries.ts";
import type { EmbeddedPostgresOptions } from "../../src/embedded-postgres/start.ts";

/**
 * Which server tests start: that of the folder with `postgres` and `initdb`, or of the one that
 * `TEST_POSTGRES_BIN` names, with its own default for JIT; else the embedded one.
 */
export function chosenServer(
  folder = process.env["TEST_POSTGRES_BIN"],
): Required<Pick<EmbeddedPostgresOptions, "flags">> & Pick<EmbeddedPostgresOptions, "binaries"> {
  if (folder === undefined) return { flags: [] };
  return { binaries: findPostgresBinaries(folder), flags: ["-c", "jit=on"] };
}
