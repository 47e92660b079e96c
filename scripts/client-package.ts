import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OWN = path.join(ROOT, "packages/client");
const ENTRIES = ["index", "webhooks", "express"];

/** Makes the folder of `@ringback/client`: src/client with what it needs of others inside. */
export async function assembleClient(folder: string): Promise<void> {
  const dist = path.join(folder, "dist");
  mkdirSync(dist, { recursive: true });
  await bundle(dist);
  writeTypes(dist);
  const manifest = JSON.parse(read(path.join(OWN, "package.json"))) as object;
  const { version } = JSON.parse(read(path.join(ROOT, "package.json"))) as { version: string };
  const text = JSON.stringify({ ...manifest, version }, null, 2);
  writeFileSync(path.join(folder, "package.json"), `${text}\n`);
  cpSync(path.join(OWN, "README.md"), path.join(folder, "README.md"));
  const inside = read(path.join(ROOT, "node_modules/eventsource-parser/LICENSE"));
  const license = read(path.join(ROOT, "LICENSE"));
  writeFileSync(
    path.join(folder, "LICENSE"),
    `${license}\n---\n\nContains eventsource-parser:\n\n${inside}`,
  );
}

async function bundle(dist: string): Promise<void> {
  const entry = ENTRIES.map((name) => [name, path.join(ROOT, `src/client/${name}.ts`)]);
  await build({
    configFile: false,
    logLevel: "error",
    build: {
      outDir: dist,
      emptyOutDir: true,
      minify: false,
      target: "es2022",
      lib: { entry: Object.fromEntries(entry) as Record<string, string>, formats: ["es"] },
      rolldownOptions: { output: { chunkFileNames: "[name].js" } },
    },
  });
}

function writeTypes(dist: string): void {
  const config = path.join(dist, "tsconfig.json");
  const settings = {
    extends: path.join(ROOT, "tsconfig.build.json"),
    compilerOptions: {
      rootDir: path.join(ROOT, "src/client"),
      outDir: dist,
      emitDeclarationOnly: true,
      typeRoots: [path.join(ROOT, "node_modules/@types")],
    },
    include: [path.join(ROOT, "src/client")],
  };
  writeFileSync(config, JSON.stringify(settings));
  const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", config], { stdio: "inherit" });
  rmSync(config);
}

function read(file: string): string {
  return readFileSync(file, "utf8");
}

/** With a folder behind it: makes it there. */
if (import.meta.main) await assembleClient(path.resolve(process.argv[2]!));
