import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SOURCE = path.join(ROOT, "src");
const CONSOLE = path.join(SOURCE, "console");

/**
 * `npm run build`: compiles the program to JavaScript with its types, puts beside it what it reads,
 * and builds the console. What was there is removed first.
 */
export function build(folder = path.join(ROOT, "dist")): void {
  rmSync(folder, { recursive: true, force: true });
  run("typescript/bin/tsc", ["-p", "tsconfig.build.json", "--outDir", folder]);
  cpSync(SOURCE, folder, {
    recursive: true,
    filter: (from) => from !== CONSOLE && !from.endsWith(".ts"),
  });
  run("vite/bin/vite.js", [
    "build",
    CONSOLE,
    "--outDir",
    path.join(folder, "console"),
    "--emptyOutDir",
    "--logLevel",
    "error",
  ]);
  if (!readdirSync(path.join(folder, "console")).includes("index.html")) {
    throw new Error("the console was not built");
  }
}

function run(script: string, args: string[]): void {
  const program = path.join(ROOT, "node_modules", script);
  execFileSync(process.execPath, [program, ...args], { cwd: ROOT, stdio: "inherit" });
}

if (import.meta.main) build();
