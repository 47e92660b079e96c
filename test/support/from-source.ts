/** What the package exports, by its files in src. */
export const ENTRIES: Record<string, string> = {
  ringback: "index.ts",
  "ringback/webhooks": "client/webhooks.ts",
  "ringback/express": "client/express.ts",
  "ringback/testing": "testing/index.ts",
};

/** Code for users of the package, made to run on the sources of this checkout. */
export function fromSource(code: string): string {
  return code.replaceAll(/from "(ringback[\w/]*)"/g, (_, entry: string) => {
    const file = ENTRIES[entry];
    if (file === undefined) throw new Error(`the package has no entry ${entry}`);
    return `from "${new URL(`../../src/${file}`, import.meta.url).href}"`;
  });
}
