import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const FAULTS = fileURLToPath(new URL("main.ts", import.meta.url));
const CHAOS = fileURLToPath(new URL("chaos/main.ts", import.meta.url));

test("20 seconds of random faults break no promise", async () => {
  await expectKept(FAULTS, "--seconds", "20", "--seed", "11");
}, 180_000);

test("H2, M1: admins in the middle of traffic meet no deadlock, and no lane stands still", async () => {
  // how fast it is is not asked of a machine that does all else beside it
  await expectKept(CHAOS, "--seconds", "15", "--call", "30", "--silence", "30");
}, 240_000);

async function expectKept(...args: string[]): Promise<void> {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "exit")) as [number | null];
  const said = (await output).join("\n");
  // what it said is what one needs when it fails
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining("all promises kept") });
}
