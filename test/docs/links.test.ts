import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { allRoutes } from "../http/api.ts";
import { readDoc, rootDir } from "./markdown.ts";

const pages = [
  "README.md",
  "CHANGELOG.md",
  ...readdirSync(path.join(rootDir, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

test("there are pages to look at", () => {
  expect(pages.length).toBeGreaterThan(12);
});

describe.each(pages)("%s", (page) => {
  const text = readDoc(page);

  test("its links lead somewhere", () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
    const broken = links.filter((link) => {
      if (/^https:\/\//.test(link)) return false;
      return !existsSync(path.join(rootDir, path.dirname(page), link.split("#")[0]!));
    });
    expect(broken).toEqual([]);
  });

  test("the files it names exist", () => {
    const named = [...text.matchAll(/`((?:src|test|docs|migrations)\/[\w./-]+)`/g)];
    const missing = named
      .map((match) => match[1]!)
      .filter((name) => !existsSync(path.join(rootDir, name)));
    expect(missing).toEqual([]);
  });

  test("the routes it names exist", () => {
    const named = text.matchAll(/`(GET|POST|PATCH|DELETE) (\/[\w{}/.-]+)`/g);
    const missing = [...named].filter(
      ([, method, route]) =>
        !allRoutes.some((one) => one.method === method!.toLowerCase() && one.path === route),
    );
    expect(missing.map(([whole]) => whole)).toEqual([]);
  });
});
