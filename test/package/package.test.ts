import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { createTestDatabase } from "../support/database.ts";
import { createProject } from "./project.ts";
import type { Project } from "./project.ts";

const BIN = fileURLToPath(new URL("../../node_modules/.bin", import.meta.url));

// compilers and bundlers take their time on a busy machine
jest.setTimeout(120_000);

let project: Project;

beforeAll(() => {
  project = createProject();
});
afterAll(() => project?.remove());

describe("the packed package", () => {
  test("holds what was built and what that reads, and no sources", () => {
    const { files, manifest } = project;
    for (const file of [
      "dist/index.js",
      "dist/index.d.ts",
      "dist/compute/thread.js",
      "dist/server/processes/main.js",
      "dist/cli/demo/seattle-weather.csv",
      "dist/console/index.html",
      "dist/console/portal.html",
      "migrations/0001_ringback.sql",
      "README.md",
      "LICENSE",
    ]) {
      expect(files).toContain(file);
    }
    const sources = files.filter((file) => /(?<!\.d)\.tsx?$|^(src|test|scripts)\//.test(file));
    expect(sources).toEqual([]);
    expect(manifest).not.toHaveProperty("devDependencies");
    expect(manifest).not.toHaveProperty("scripts");
    expect(manifest.bin).toEqual({ ringback: "./dist/cli/main.js" });
  });

  test.each([
    ["publint", ["--strict"]],
    ["attw", ["--profile", "esm-only", "--no-emoji", "--no-color"]],
  ])("%s finds nothing", (tool, options) => {
    project.run([path.join(BIN, tool), project.tarball, ...options]);
  });

  test.each([
    ["nodenext", "node.ts", { types: ["node"], lib: ["es2024", "esnext.disposable"] }],
    [
      "bundler",
      "browser.ts",
      { types: [], lib: ["es2024", "dom", "dom.iterable", "dom.asynciterable"] },
    ],
  ])("its types are right, resolved by %s, for %s", (moduleResolution, file, more) => {
    const compilerOptions = {
      noEmit: true,
      strict: true,
      exactOptionalPropertyTypes: true,
      target: "es2024",
      module: moduleResolution === "bundler" ? "esnext" : moduleResolution,
      moduleResolution,
      ...more,
    };
    const config = JSON.stringify({ compilerOptions, files: [file] });
    writeFileSync(path.join(project.folder, "tsconfig.json"), config);
    project.run(["node_modules/typescript/bin/tsc", "-p", "."]);
  });
});

describe("in a browser", () => {
  // kilobytes, minified and gzipped
  test.each([
    ["verifyWebhook", 2],
    ["Ringback", 8],
  ])("%s is small and has nothing of Node or zod", (exported, limit) => {
    const printed = JSON.parse(project.run(["bundle.mjs", "ringback", exported])) as {
      gzipped: number;
      node: string[];
    };
    expect(printed.node).toEqual([]);
    expect(printed.gzipped).toBeGreaterThan(500);
    expect(printed.gzipped).toBeLessThan(limit * 1000);
  });
});

describe("installed", () => {
  test("every entry works, and a job type of one's own with them", async () => {
    const database = await createTestDatabase();
    const printed = JSON.parse(project.run(["run.mjs"], { SERVER_URL: database.url })) as object;
    await database.drop();
    expect(printed).toEqual({
      root: [
        "JobError",
        "JobFailedError",
        "JsonText",
        "Ringback",
        "RingbackError",
        "WebhookError",
        "createVerifier",
        "defineJobType",
        "verifyWebhook",
      ],
      express: ["receiveWebhooks", "recentWebhooks"],
      result: { n: 42 },
      webhook: { n: 42 },
      from: path.join(project.folder, "node_modules/ringback/dist/index.js"),
    });
  });

  test("npx ringback tells its version", () => {
    const program = path.join(project.folder, "node_modules/.bin/ringback");
    const { version } = project.manifest;
    expect(execFileSync(program, ["--version"], { encoding: "utf8" }).trim()).toBe(version);
  });

  test("ringback serve starts with a database of its own, and serves API, reference and console", async () => {
    const child = spawn(process.execPath, ["node_modules/.bin/ringback", "serve"], {
      cwd: project.folder,
      env: { PATH: process.env["PATH"], HOME: process.env["HOME"], PORT: "0", LOG_LEVEL: "info" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = once(child, "close");
    try {
      const url = await printedUrl(child.stderr);
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      const page = await fetch(`${url}/console/`);
      expect(page.headers.get("content-type")).toMatch(/^text\/html/);
      expect(await page.text()).toContain('<div id="root">');
      for (const name of ["openapi.json", "docs/", "docs/swagger-ui-bundle.js"]) {
        const { status } = await fetch(`${url}/${name}`);
        expect([name, status]).toEqual([name, 200]);
      }
    } finally {
      child.kill("SIGTERM");
      expect(await closed).toEqual([0, null]);
    }
  });
});

// the stream is read on, as a program whose log is cut off can't stop in order
async function printedUrl(log: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  return await new Promise((resolve, reject) => {
    log.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const ready = text.split("\n").find((line) => line.includes('"message":"ready"'));
      const url = /"url":"([^"]+)"/.exec(ready ?? "")?.[1];
      if (url !== undefined) resolve(url);
    });
    log.once("end", () => reject(new Error(`it ended:\n${text}`)));
  });
}
