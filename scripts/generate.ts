import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { settingsTable } from "../src/config.ts";
import { describeApi, openApiRoute } from "../src/http/openapi/openapi.ts";
import { routes } from "../src/http/routes/index.ts";
import { houseTable } from "../test/support/import-rules.ts";
import { openApiTypes } from "./openapi-types.ts";

/** `npm run generate`: writes what is made from the source, which tests compare. */
const document = describeApi([...routes, openApiRoute(routes)], { publicUrl: "", version: "" });
const file = new URL("../src/client/openapi-types.ts", import.meta.url);
writeFileSync(file, await openApiTypes(document));

await writeTable("../docs/architecture.md", "house", houseTable());
await writeTable("../README.md", "settings", settingsTable());

/** Puts a table between the comments `<!-- name:begin -->` and `<!-- name:end -->` of a page. */
async function writeTable(page: string, name: string, table: string): Promise<void> {
  const url = new URL(page, import.meta.url);
  const [before, rest] = readFileSync(url, "utf8").split(`<!-- ${name}:begin -->`);
  const [, after] = rest!.split(`<!-- ${name}:end -->`);
  const text = `${before}<!-- ${name}:begin -->\n\n${table}\n\n<!-- ${name}:end -->${after}`;
  writeFileSync(url, await format(text, { parser: "markdown", printWidth: 100 }));
}
