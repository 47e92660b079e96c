import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { openApiTypes } from "../../scripts/openapi-types.ts";
import { description } from "../http/api.ts";

const FILE = new URL("../../src/client/openapi-types.ts", import.meta.url);

test("the client's types are those of the OpenAPI document (npm run generate)", async () => {
  expect(readFileSync(FILE, "utf8")).toBe(await openApiTypes(description()));
});

test("a change of the document changes them", async () => {
  const document = structuredClone(description());
  document.components!.schemas!["Job"] = { type: "object", properties: {} };
  expect(await openApiTypes(document)).not.toBe(readFileSync(FILE, "utf8"));
});
