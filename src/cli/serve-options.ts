import { InvalidArgumentError } from "commander";
import { processCount, ROLES } from "../config.ts";
import type { Role } from "../config.ts";

/** `api,compute,deliver` */
export function parseRoles(text: string): Role[] {
  const roles = text.split(",").map((role) => role.trim());
  for (const role of roles) {
    if (!(ROLES as readonly string[]).includes(role)) {
      throw new InvalidArgumentError(`${JSON.stringify(role)} is not one of ${ROLES.join(", ")}.`);
    }
  }
  return ROLES.filter((role) => roles.includes(role));
}

export function parseProcesses(text: string): number {
  const parsed = processCount.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`It ${parsed.error.issues[0]!.message}.`);
  return parsed.data;
}
