import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const SOURCES = path.join(ROOT, "src", "console");
const VITE = path.join(ROOT, "node_modules", "vite", "bin", "vite.js");

/**
 * Builds the console into `dist/console`, unless the build there is newer than all its sources.
 * Without the development dependencies it leaves what is there.
 */
export function buildConsole(): void {
  const built = path.join(ROOT, "dist", "console", "index.html");
  if (existsSync(built) && statSync(built).mtimeMs > newest(SOURCES)) return;
  if (!existsSync(VITE)) return;
  process.stderr.write("Building the console …\n");
  execFileSync(process.execPath, [VITE, "build", SOURCES, "--logLevel", "error"], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, NODE_OPTIONS: "", NODE_ENV: "production" },
  });
}

function newest(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return Math.max(...files.map((file) => statSync(path.join(folder, file)).mtimeMs));
}

if (import.meta.main) buildConsole();
