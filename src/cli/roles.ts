import { InvalidArgumentError } from "commander";
import { ROLES } from "../config.ts";
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
