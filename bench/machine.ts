import { cpus, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { readVersion } from "../src/config.ts";
import { watchCpu } from "./cpu.ts";
import type { Sizes } from "./arguments.ts";

/** Where and with what a run was made. */
export interface Circumstances {
  date: string;
  ringback: string;
  machine: { cores: number; model: string; memoryGb: number };
  node: string;
  postgres: string;
  /** As it was typed, without what it might hold of secrets. */
  command: string;
  /** Cores that other programs used before the run; null where it can't be told. */
  othersBefore: number | null;
  sizes: Sizes;
}

const LOOK_MS = 1_000;

export async function describeRun(postgres: string, sizes: Sizes): Promise<Circumstances> {
  const watch = watchCpu({});
  await sleep(LOOK_MS);
  return {
    date: new Date().toISOString(),
    ringback: readVersion(),
    machine: {
      cores: cpus().length,
      model: cpus()[0]?.model.trim() ?? "unknown",
      memoryGb: Math.round(totalmem() / 2 ** 30),
    },
    node: process.version,
    postgres,
    command: ["npm run bench --", ...process.argv.slice(2)]
      .join(" ")
      .replaceAll(/postgres(ql)?:\/\/\S+/g, "…"),
    othersBefore: watch()["others"] ?? null,
    sizes,
  };
}
