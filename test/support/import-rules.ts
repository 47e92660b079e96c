import type { SourceFile, SourceImport } from "./source-file.ts";

/** Who may import whom: the table of the design's chapter 10. */
interface Rule {
  /** The files it is for: a folder (`core/`) or one file. The first rule that fits a file counts. */
  files: string;
  /**
   * Folders and files of src beside its own folder, and packages; `*` for any. With `(types)`, only
   * as `import type`; with `(reads)`, only types and functions that read.
   */
  may: string[];
}

const PURE_NODE = ["node:crypto", "node:net", "node:url", "node:util"];
const WAITING_NODE = ["node:timers/promises", "node:perf_hooks", "node:async_hooks"];
const COMPUTE = ["core/", "piscina", "zod", "job-types/", "node:*"];

const RULES: Rule[] = [
  { files: "core/", may: ["zod", "ipaddr.js", "typeid-js", "uuid", "tweetnacl", ...PURE_NODE] },
  {
    files: "db/migrate.ts",
    may: ["core/", "pg", "node-pg-migrate", "graphile-worker", "node:*"],
  },
  { files: "db/", may: ["core/", "pg", "node:*"] },
  { files: "transport/", may: ["core/", "undici", "node:*"] },
  { files: "compute/thread.ts", may: [...COMPUTE, "transport/"] },
  { files: "compute/", may: COMPUTE },
  {
    files: "flow/",
    may: [
      "core/",
      "db/",
      "transport/",
      "compute/",
      "telemetry/",
      "context.ts (types)",
      ...PURE_NODE,
      ...WAITING_NODE,
    ],
  },
  {
    files: "queue/",
    may: [
      "flow/",
      "core/",
      "db/",
      "telemetry/",
      "context.ts (types)",
      "graphile-worker",
      "pg",
      "node:*",
    ],
  },
  {
    files: "http/",
    may: [
      "flow/",
      "core/",
      "telemetry/",
      "db/ (reads)",
      "context.ts (types)",
      "express",
      "helmet",
      "structured-headers",
      "ws",
      "zod",
      "zod-openapi",
      "node:*",
    ],
  },
  { files: "job-types/", may: ["core/", "*"] },
  { files: "telemetry/", may: ["core/", "winston", "winston-transport", "prom-client", "node:*"] },
  { files: "client/", may: ["eventsource-parser", "node:http (types)"] },
  { files: "testing/", may: ["src", "*"] },
  { files: "console/", may: ["core/", "client/", "*"] },
  { files: "config.ts", may: ["core/", "zod", "node:*"] },
  { files: "index.ts", may: ["core/", "client/", "job-types/"] },
  { files: "context.ts", may: ["src", "*"] },
  { files: "cli/", may: ["src", "*"] },
];

const READ_FUNCTION = /^(get|list|find|count)([A-Z]|$)/;
const BEGINNERS = /^(testing\/clock|flow\/|queue\/(liveness|reconciler)|db\/transaction\.ts$)/;

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
      `${path} imports inTransaction from ${found.target}; transactions begin only in flow/, queue/liveness*, queue/reconciler*`,
    );
  }
  return breaches;
}

function checkUse(file: SourceFile): string[] {
  const breaches: string[] = [];
  if (file.readsEnvironment && file.path !== "config.ts") {
    breaches.push(`${file.path} mentions process.env; only config.ts may`);
  }
  if (file.usesConsole && !file.path.startsWith("cli/")) {
    breaches.push(`${file.path} uses console; only cli/ may`);
  }
  if (file.beginsTransaction && file.path !== "db/transaction.ts") {
    breaches.push(`${file.path} begins a transaction in SQL; only db/transaction.ts may`);
  }
  return breaches;
}

function allows(entry: string, found: SourceImport): boolean {
  const [, name = "", kind] = /^(\S+)(?: \((\w+)\))?$/.exec(entry) ?? [];
  if (found.local) {
    if (name !== "src" && !covers(name, found.target)) return false;
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

/** Groups of files that load each other at run time (Tarjan's strongly connected components). */
function findCycles(files: SourceFile[]): string[][] {
  const edges = new Map(
    files.map(({ path, imports }) => [
      path,
      imports.filter((found) => found.local && !found.typeOnly).map((found) => found.target),
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
