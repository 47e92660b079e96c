import type { Config } from "../../config.ts";
import { parseAllowTargets } from "../../core/targets.ts";
import { fail, ok, warn } from "./check.ts";
import type { Finding } from "./check.ts";

const OLDEST_NODE = 24;

export function checkNode(version: string): Finding {
  if (Number.parseInt(version, 10) >= OLDEST_NODE) return ok("node", version);
  return fail("node", version, `run it on Node ${OLDEST_NODE} or newer`);
}

export function checkSettings({ version, development, dataDir, host, publicUrl }: Config): Finding {
  const mode = development ? `development, data in ${dataDir}` : "the Postgres of DATABASE_URL";
  const name = "settings";
  const open = ["0.0.0.0", "::"].includes(host);
  if (open && publicUrl === null) {
    return warn(
      name,
      `Ringback ${version}; ${mode}; links say localhost`,
      "set RINGBACK_PUBLIC_URL: others can't follow the links in answers and webhooks",
    );
  }
  return ok(name, `Ringback ${version}; ${mode}`);
}

/** Warns of allowed ranges that contain this machine or the network around it. */
export function checkTargets({ allowTargets, development }: Config): Finding {
  const name = "targets";
  const { allowed } = parseAllowTargets(allowTargets);
  if (allowed.length === 0) return ok(name, "public https only");
  if (development) return ok(name, `public https, and ${allowTargets} (development)`);
  const everything = allowed.some(([, bits]) => bits === 0);
  const loopback = allowed.some(([address]) => address.range() === "loopback");
  if (!everything && !loopback) return ok(name, `public https, and ${allowTargets}`);
  return warn(
    name,
    `webhooks may go to ${allowTargets}`,
    `narrow RINGBACK_ALLOW_TARGETS: ${everything ? "any address" : "this machine"} can be called by whoever has an API key`,
  );
}
