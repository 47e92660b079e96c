import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

test("20 seconds of random faults break no promise", async () => {
  const args = [MAIN, "--seconds", "20", "--seed", "11"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await once(child, "exit")) as [number | null];
  const said = (await output).join("\n");
  // what it said is what one needs when it fails
  expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining("all promises kept") });
}, 180_000);
