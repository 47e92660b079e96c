import { createVault } from "../../core/vault.ts";
import type { Vault } from "../../core/vault.ts";
import { listNewestSealed, listWorkerRoles } from "../../db/inspection/work.ts";
import { findOldestDue } from "../../db/statistics/gauges.ts";
import type { Reader } from "../../db/transaction.ts";
import { readKeysInUse } from "../../flow/accounts/master-key.ts";
import { duration } from "../output/times.ts";
import { fail, ok, warn } from "./check.ts";
import type { Finding } from "./check.ts";

const LATE_MS = 60_000;
/** The number of newest secrets that are opened to see whether the key fits. */
const SAMPLE = 1_000;

export async function checkWorkers(reader: Reader): Promise<Finding> {
  const name = "workers";
  const workers = await listWorkerRoles(reader);
  const alive = workers.filter((worker) => worker.alive);
  const silent = workers.length - alive.length;
  const detail = `${alive.length} alive${silent === 0 ? "" : `, ${silent} silent`}`;
  const missing = ["compute", "deliver"].filter(
    (role) => !alive.some(({ roles }) => roles.includes(role)),
  );
  if (missing.length > 0) {
    const advice = `start one: ringback serve --roles ${missing.join(",")}`;
    return fail(name, `${detail}; none has the role ${missing.join(" or ")}`, advice);
  }
  if (silent === 0) return ok(name, detail);
  return warn(name, detail, "look whether a host hangs; the others take its work over");
}

/** Checks how long due jobs and deliveries wait, as the metric `ringback_oldest_due_seconds` does. */
export async function checkBacklog(reader: Reader): Promise<Finding[]> {
  const { oldest_job_s: jobS, oldest_delivery_s: deliveryS } = await findOldestDue(reader);
  return [
    late("jobs", jobS, "add compute workers, or look at what runs: ringback jobs list"),
    late("deliveries", deliveryS, "add deliver workers, or look at the lanes' limits"),
  ];
}

function late(name: string, seconds: number | null, advice: string): Finding {
  if (seconds === null) return ok(name, "none is late");
  const ms = seconds * 1_000;
  const detail = `the oldest has waited ${duration(ms)}`;
  return ms > LATE_MS ? warn(name, detail, advice) : ok(name, detail);
}

/** Checks whether the master keys open the sealed secrets. Changes nothing. */
export async function checkMasterKeys(
  reader: Reader,
  masterKeys: readonly string[],
): Promise<Finding> {
  const name = "master key";
  const vault = createVault(masterKeys);
  const { used, missing } = await readKeysInUse(reader, vault);
  if (used.length === 0) return ok(name, "nothing is sealed yet");
  const advice =
    "set RINGBACK_MASTER_KEY to the one it was sealed with; without it nothing is sent";
  if (missing.length === used.length) {
    return fail(name, "does not open the stored secrets", advice);
  }
  if (missing.length > 0) {
    const also = "give that key in RINGBACK_MASTER_KEYS_PREVIOUS until the rotation has ended";
    return fail(name, `${missing.join(", ")} is missing and has sealed some of the data`, also);
  }
  const sealed = await listNewestSealed(reader, SAMPLE);
  const closed = sealed.filter((text) => !opens(vault, text)).length;
  if (closed > 0) return fail(name, `does not open ${closed} of ${sealed.length} secrets`, advice);
  const opened = `opens all ${sealed.length} secrets looked at`;
  if (used.length === 1 && used[0] === vault.keyIds[0]) return ok(name, opened);
  const finish = "run `ringback keys rotate master` when all processes know the new key";
  return warn(name, `${opened}, but a rotation is not finished`, finish);
}

function opens(vault: Pick<Vault, "open">, sealed: string): boolean {
  try {
    vault.open(sealed);
    return true;
  } catch {
    return false;
  }
}
