/** What a look at one thing found. */
export interface Finding {
  name: string;
  state: "ok" | "warn" | "fail";
  detail: string;
  /** What to do about it. */
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

/** A look that went wrong itself is a finding too. */
export async function look(name: string, check: () => Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    return fail(name, (error as Error).message, "see whether the database is well, and try again");
  }
}
