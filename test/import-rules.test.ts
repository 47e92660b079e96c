import { fileURLToPath } from "node:url";
import { readFileSync } from "node:fs";
import { checkImports, findUpwardRules, houseTable } from "./support/import-rules.ts";
import { parseSourceFile, readSourceFiles } from "./support/source-file.ts";

const SRC = fileURLToPath(new URL("../src", import.meta.url));

test("every file of src imports only what its folder may", () => {
  const files = readSourceFiles(SRC);
  expect(files.length).toBeGreaterThan(10);
  expect(checkImports(files)).toEqual([]);
});

test("no rule names a folder of a floor above", () => {
  expect(findUpwardRules()).toEqual([]);
});

test("the table of docs/architecture.md is made from the rules (npm run generate)", () => {
  const page = readFileSync(new URL("../docs/architecture.md", import.meta.url), "utf8");
  const table = /<!-- house:begin -->([^]*)<!-- house:end -->/.exec(page)![1]!;
  const words = (text: string): string[] => text.replaceAll(/-{2,}/g, "-").split(/[\s|]+/);
  expect(words(table).filter(Boolean)).toEqual(words(houseTable()).filter(Boolean));
});

describe("the checker", () => {
  test.each([
    ["core/a.ts", `import { x } from "../db/jobs.ts";`, "core/a.ts imports db/jobs.ts (x)"],
    [
      "core/a.ts",
      `import type { X } from "../db/jobs.ts";`,
      "core/a.ts imports db/jobs.ts (types)",
    ],
    ["core/a.ts", `type X = import("pg").Pool;`, "core/a.ts imports pg (types)"],
    ["core/a.ts", `import "node:fs";`, "core/a.ts imports node:fs (side effects)"],
    ["db/a.ts", `export * from "../flow/jobs/run.ts";`, "db/a.ts imports flow/jobs/run.ts (*)"],
    ["db/a.ts", `import { run } from "graphile-worker";`, "db/a.ts imports graphile-worker (run)"],
    ["transport/a.ts", `await import("../db/x.ts");`, "transport/a.ts imports db/x.ts (*)"],
    [
      "compute/pool.ts",
      `import { send } from "../transport/send.ts";`,
      "imports transport/send.ts",
    ],
    ["flow/a.ts", `import { start } from "../server/start.ts";`, "imports server/start.ts"],
    ["flow/a.ts", `import type { X } from "../server/start.ts";`, "server/start.ts (types)"],
    ["db/queue/a.ts", `import express from "express";`, "db/queue/a.ts imports express (default)"],
    ["http/a.ts", `import { insertJob } from "../db/jobs.ts";`, "http/a.ts imports db/jobs.ts"],
    ["http/a.ts", `import { getJob, x } from "../db/jobs.ts";`, "imports db/jobs.ts (getJob, x)"],
    ["http/a.ts", `import * as jobs from "../db/jobs.ts";`, "http/a.ts imports db/jobs.ts (*)"],
    ["http/a.ts", `import { getter as getX } from "../db/x.ts";`, "imports db/x.ts (getter)"],
    ["http/a.ts", `export { drop as getX } from "../db/x.ts";`, "imports db/x.ts (drop)"],
    ["client/a.ts", `import { id } from "../core/ids.ts";`, "client/a.ts imports core/ids.ts"],
    [
      "cli/a.ts",
      `import { inTransaction } from "../db/transaction.ts";`,
      "transactions begin only",
    ],
    ["server/a.ts", `import { inTransaction } from "../db/transaction.ts";`, "begin only in"],
    ["db/a.ts", "await client.query(`begin`);", "begins a transaction in SQL"],
    ["db/a.ts", `await client.query("START TRANSACTION read only");`, "begins a transaction"],
    ["cli/a.ts", `const x = process.env.PORT;`, "cli/a.ts mentions process.env"],
    ["cli/a.ts", `const x = process["env"];`, "cli/a.ts mentions process.env"],
    ["cli/a.ts", `const { env } = process;`, "cli/a.ts mentions process.env"],
    ["cli/a.ts", `import { env } from "node:process";`, "cli/a.ts mentions process.env"],
    ["flow/a.ts", "await reader.query(`select 1`);", "flow/a.ts queries the database"],
    ["cli/a.ts", "await client.query<Row>({ text, values });", "cli/a.ts queries the database"],
    ["flow/a.ts", "await pool?.query(text);", "flow/a.ts queries the database"],
    ["flow/a.ts", `console.log(1);`, "flow/a.ts uses console"],
    ["new/a.ts", `import "zod";`, "new/a.ts has no rule"],
  ])("flags %s: %s", (path, text, expected) => {
    const breaches = checkImports([parseSourceFile(path, text)]);
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(expected);
  });

  test.each([
    ["core/a.ts", `import { b } from "./b.ts"; import { z } from "zod";`],
    ["db/migrate.ts", `import { runner } from "node-pg-migrate"; import pg from "pg";`],
    ["compute/thread.ts", `import { send } from "../transport/send.ts";`],
    ["flow/a.ts", `import type { Context } from "./context.ts";`],
    ["db/queue/a.ts", `import { run } from "graphile-worker";`],
    ["flow/a.ts", `import { inTransaction } from "../db/transaction.ts";`],
    ["http/a.ts", `import { getJob, listJobs, type Job } from "../db/jobs.ts";`],
    ["http/a.ts", `import type { Job } from "../db/jobs.ts"; // console.log(process.env)`],
    ["config.ts", `export const read = (env = process.env) => env;`],
    ["cli/a.ts", `console.log("begin with the manual");`],
  ])("lets pass %s: %s", (path, text) => {
    expect(checkImports([parseSourceFile(path, text)])).toEqual([]);
  });

  test("flags a cycle, also one of types", () => {
    const a = `import { b } from "./b.ts";`;
    const cycle = [
      parseSourceFile("core/a.ts", a),
      parseSourceFile("core/b.ts", `export { c } from "./c.ts";`),
      parseSourceFile("core/c.ts", `import "./a.ts";`),
      parseSourceFile("core/d.ts", a),
    ];
    expect(checkImports(cycle)).toEqual(["import cycle: core/a.ts → core/b.ts → core/c.ts"]);
    const types = [
      parseSourceFile("core/a.ts", a),
      parseSourceFile("core/b.ts", `import type { A } from "./a.ts";`),
    ];
    expect(checkImports(types)).toEqual(["import cycle: core/a.ts → core/b.ts"]);
  });
});
