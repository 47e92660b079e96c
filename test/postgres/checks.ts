import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Server } from "./binaries.ts";
import { measurePath } from "./load.ts";
import type { PathFigures } from "./load.ts";

/** What a check found. */
export interface Finding {
  passed: number;
  failed: number;
  /** In one line. */
  detail: string;
  /** More worth knowing. */
  figures: string[];
  /** What it said, when something failed. */
  output: string;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The files that walk the path on a real server: submit, compute, deliver, retry, dead letter,
 * replay, lists, retention, recovery, and how the hot statements are planned.
 */
const FILES = [
  "test/e2e/first-path",
  "test/db/",
  "test/deliveries/books",
  "test/deliveries/outcomes",
  "test/maintenance/recover-worker",
  "test/deliveries/lane-locks",
  "test/maintenance/reconcile",
  "test/deliveries/replay",
  "test/maintenance/retain",
  "test/jobs/submit",
  "test/http/jobs",
  "test/maintenance/crash",
];

const STOCK_LOAD = { rate: 25, seconds: 10 };
/** Half of a light load arrives sooner, or it is not delivered while it lasts. */
const STOCK_P50_MS = 2_000;
const FIGURE_RATES = [25, 100, 400];
const FIGURE_SECONDS = 8;

export const CHECKS = {
  async path(server: Server): Promise<Finding> {
    const folder = mkdtempSync(join(tmpdir(), "ringback-figures-"));
    const file = join(folder, "figures");
    try {
      const { output } = await run(server, ["node_modules/jest/bin/jest.js", ...FILES], {
        NODE_OPTIONS: "--experimental-vm-modules --disable-warning=ExperimentalWarning",
        TEST_FIGURES: file,
      });
      const counted = /^(\d+) passed, (\d+) failed\n*$/m.exec(output);
      const [passed, failed] = [Number(counted?.[1] ?? 0), Number(counted?.[2] ?? 1)];
      const figures = failed === 0 ? readFileSync(file, "utf8").trim().split("\n").toSorted() : [];
      return {
        passed,
        failed,
        detail: `${passed} tests passed, ${failed} failed`,
        figures,
        output,
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },

  /** Two processes on a server as it comes, and a light load: all of it arrives while it lasts. */
  async stock(server: Server): Promise<Finding> {
    const { rate, seconds } = STOCK_LOAD;
    const [found] = await measurePath(server, [rate], seconds);
    const fine = found!.delivered === found!.sent && found!.p50Ms <= STOCK_P50_MS;
    return { ...count(fine), detail: describe(found!), figures: [], output: "" };
  },

  async faults(server: Server): Promise<Finding> {
    const { code, output } = await run(server, ["test/faults/main.ts", "--seconds", "20"], {});
    const detail = output.split("\n").find((line) => line.startsWith("lost ")) ?? "no report";
    return { ...count(code === 0), detail, figures: [], output };
  },

  async figures(server: Server): Promise<Finding> {
    const found = await measurePath(server, FIGURE_RATES, FIGURE_SECONDS);
    const figures = found.map(describe);
    return { passed: 0, failed: 0, detail: "path of a job", figures, output: "" };
  },
} satisfies Record<string, (server: Server) => Promise<Finding>>;

export type CheckName = keyof typeof CHECKS;

function describe({ rate, sent, delivered, p50Ms, p99Ms }: PathFigures): string {
  const [p50, p99] = [p50Ms, p99Ms].map((ms) => `${Math.round(ms)} ms`);
  return `${rate} jobs/s: ${delivered} of ${sent} delivered, p50 ${p50}, p99 ${p99}`;
}

function count(fine: boolean): { passed: number; failed: number } {
  return fine ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs a program of ours whose servers are those of `folder`. */
async function run(
  { folder }: Server,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { ...process.env, ...env, TEST_POSTGRES_BIN: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { code, output };
}
