import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.ts";
import { assembleClient } from "./client-package.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BESIDE = ["README.md", "CHANGELOG.md", "LICENSE", "migrations"];

/** What only the checkout needs. */
const DEVELOPMENT = ["scripts", "devDependencies", "overrides", "scarfSettings", "allowScripts"];

/**
 * Makes the folder that is published. In the checkout the entries are sources, which Node runs as
 * they are; under `node_modules` it does not, so there they are what was built from them.
 */
export function assemble(folder: string): void {
  mkdirSync(folder, { recursive: true });
  build(path.join(folder, "dist"));
  for (const name of BESIDE)
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  const manifest = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as object;
  const kept = Object.entries(manifest).filter(([field]) => !DEVELOPMENT.includes(field));
  const text = JSON.stringify(Object.fromEntries(kept), null, 2)
    .replaceAll(/"\.\/src\/([^"]+)\.ts"/g, '"./dist/$1.js"')
    .replaceAll('"./src/', '"./dist/');
  writeFileSync(path.join(folder, "package.json"), `${text}\n`);
}

/** Packs such a folder. Returns the tarball's path. */
export function pack(folder: string, destination: string): string {
  mkdirSync(destination, { recursive: true });
  const args = ["pack", folder, "--json", "--pack-destination", destination];
  const printed = execFileSync("npm", args, { encoding: "utf8", cwd: destination });
  const [{ filename }] = JSON.parse(printed) as [{ filename: string }];
  return path.join(destination, filename);
}

/**
 * `npm run package`: the tarballs for `npm publish`, in `dist/`: `ringback` and `@ringback/client`.
 * With a folder behind it: what would be in the first, there.
 */
if (import.meta.main) {
  const [, , given] = process.argv;
  if (given === undefined) {
    await packInto(path.join(ROOT, "dist"), assemble);
    await packInto(path.join(ROOT, "dist"), assembleClient);
  } else assemble(path.resolve(given));
}

async function packInto(
  destination: string,
  make: (folder: string) => void | Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "ringback-package-"));
  try {
    await make(folder);
    process.stdout.write(`${pack(folder, destination)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
