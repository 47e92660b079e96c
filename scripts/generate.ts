import { readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { describeApi, openApiRoute } from "../src/http/openapi/openapi.ts";
import { routes } from "../src/http/routes/index.ts";
import { houseTable } from "../test/support/import-rules.ts";
import { openApiTypes } from "./openapi-types.ts";

/** `npm run generate`: writes what is made from the source, which tests compare. */
const document = describeApi([...routes, openApiRoute(routes)], { publicUrl: "", version: "" });
const file = new URL("../src/client/openapi-types.ts", import.meta.url);
writeFileSync(file, await openApiTypes(document));

const page = new URL("../docs/architecture.md", import.meta.url);
const text = readFileSync(page, "utf8").replace(
  /(<!-- house:begin -->\n)[^]*(\n<!-- house:end -->)/,
  (_, begin: string, end: string) => `${begin}\n${houseTable()}\n${end}`,
);
writeFileSync(page, await format(text, { parser: "markdown", printWidth: 100 }));
