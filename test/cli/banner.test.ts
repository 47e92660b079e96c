import { expect, jest, test } from "@jest/globals";
import { printBanner } from "../../src/cli/output/banner.ts";
import { readConfig } from "../../src/config.ts";
import type { Role } from "../../src/config.ts";

function banner(roles: Role[]): string {
  const { config, secrets } = readConfig(roles, {});
  const print = jest.spyOn(console, "log").mockImplementation(() => undefined);
  printBanner({ url: "http://127.0.0.1:3000", apiKey: "rk_x" }, config, secrets);
  const text = print.mock.calls.join("\n");
  print.mockRestore();
  return text;
}

test("the banner leads to the console and to the description of the API", () => {
  const text = banner(["api", "compute", "deliver"]);
  expect(text).toMatch(/^ {2}Console +http:\/\/127\.0\.0\.1:3000\/console\/$/m);
  expect(text).toMatch(/^ {2}API docs +http:\/\/127\.0\.0\.1:3000\/docs\/$/m);
  expect(text).toContain("curl -s http://127.0.0.1:3000/v1/jobs");
});

test("a process without the API leads nowhere", () => {
  expect(banner(["deliver"])).not.toMatch(/console|docs|curl/i);
});
