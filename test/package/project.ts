import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { assemble, pack } from "../../scripts/package.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Manifest {
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  bin: Record<string, string>;
  [field: string]: unknown;
}

export interface Project {
  folder: string;
  tarball: string;
  /** Of the installed package. */
  manifest: Manifest;
  /** Paths of the installed package. */
  files: string[];
  /** Runs a program of this Node in the project. Returns what it prints. */
  run(args: string[], env?: Record<string, string>): string;
  remove(): void;
}

/** What a consumer has of his own. */
const TOOLS = ["typescript", "vite", "@types/node", "@types/express"];

/**
 * An empty project with the package in it, from its tarball. Its dependencies are the ones of this
 * checkout, as no registry may be at hand.
 */
export function createProject(): Project {
  const folder = mkdtempSync(path.join(tmpdir(), "ringback-consumer-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const staged = path.join(folder, "staged");
    assemble(staged);
    const tarball = pack(staged, folder);
    rmSync(staged, { recursive: true });
    const installed = path.join(folder, "node_modules/ringback");
    mkdirSync(installed, { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" });
    const text = readFileSync(path.join(installed, "package.json"), "utf8");
    const manifest = JSON.parse(text) as Manifest;
    const { dependencies, optionalDependencies } = manifest;
    for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...TOOLS]) {
      const link = path.join(folder, "node_modules", name);
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(path.join(ROOT, "node_modules", name), link);
    }
    mkdirSync(path.join(folder, "node_modules/.bin"));
    // as npm does it
    const bin = manifest.bin["ringback"] ?? "";
    chmodSync(path.join(installed, bin), 0o755);
    symlinkSync(path.join("../ringback", bin), path.join(folder, "node_modules/.bin/ringback"));
    // the embedded database may run as another user, who must get into it
    chmodSync(folder, 0o755);
    const consumer = fileURLToPath(new URL("./consumer", import.meta.url));
    cpSync(consumer, folder, { recursive: true });
    writeFileSync(path.join(folder, "package.json"), JSON.stringify({ type: "module" }));
    return {
      folder,
      tarball,
      manifest,
      files: files
        .trim()
        .split("\n")
        .map((file) => file.replace(/^package\//, "")),
      run: (args, env = {}) => runIn(folder, args, env),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function runIn(folder: string, args: string[], env: Record<string, string>): string {
  try {
    return execFileSync(process.execPath, args, {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
