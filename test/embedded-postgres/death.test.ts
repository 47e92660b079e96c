import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "@jest/globals";

test("an embedded database that is killed ends the program with one clear line", async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "ringback-death-"));
  const child = spawn(process.execPath, ["src/cli/main.ts", "serve"], {
    env: { PATH: process.env["PATH"], PORT: "0", RINGBACK_DATA_DIR: dataDir, LOG_LEVEL: "error" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors = text(child.stderr);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      child.stdout.on("data", (chunk: Buffer) => {
        if (chunk.includes("Try it")) resolve();
      });
      void exited.then(async () => reject(new Error(await errors)));
    });
    const postmaster = readFileSync(join(dataDir, "postgres", "postmaster.pid"), "utf8");
    process.kill(Number(postmaster.split("\n")[0]), "SIGKILL");
    expect(await exited).toBe(1);
    expect((await errors).trim().split("\n")).toEqual([
      expect.stringMatching(/^ringback: the embedded database .*(killed|SIGKILL)/),
    ]);
  } finally {
    child.kill("SIGKILL");
    rmSync(dataDir, { recursive: true, force: true });
  }
});
