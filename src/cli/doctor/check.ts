/** The result of one check. */
export interface Finding {
  name: string;
  state: "ok" | "warn" | "fail";
  detail: string;
  /** The remedy. */
  advice?: string;
}

export function ok(name: string, detail: string): Finding {
  return { name, state: "ok", detail };
}

export function warn(name: string, detail: string, advice: string): Finding {
  return { name, state: "warn", detail, advice };
}

export function fail(name: string, detail: string, advice: string): Finding {
  return { name, state: "fail", detail, advice };
}

/** Runs a check. A check that fails itself is a finding too. */
export async function look(name: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    return fail(name, (error as Error).message, "see whether the database is well, and try again");
  }
}
