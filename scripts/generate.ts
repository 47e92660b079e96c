import { writeFileSync } from "node:fs";
import { describeApi, openApiRoute } from "../src/http/openapi.ts";
import { routes } from "../src/http/routes/index.ts";
import { openApiTypes } from "./openapi-types.ts";

/** `npm run generate`: writes what is made from the source, which a test compares. */
const document = describeApi([...routes, openApiRoute(routes)], { publicUrl: "", version: "" });
const file = new URL("../src/client/openapi-types.ts", import.meta.url);
writeFileSync(file, await openApiTypes(document));
