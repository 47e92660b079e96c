import { readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";
import { parseSync } from "@swc/core";

/** One import or re-export of a source file, of whatever form. */
export interface SourceImport {
  /** A path below src (`db/jobs.ts`), or the specifier of a package or built-in module. */
  target: string;
  /** True for files of src. */
  local: boolean;
  /** Gone at run time: `import type`, `export type … from`, `import("…")` in a type. */
  typeOnly: boolean;
  /** What is taken at run time, by its exported name; `*` for all of it, as a dynamic import does. */
  names: string[];
}

/** What the rules need to know of a file. */
export interface SourceFile {
  /** Below src, with forward slashes. */
  path: string;
  imports: SourceImport[];
  readsEnvironment: boolean;
  usesConsole: boolean;
  /** Holds an SQL statement that begins a transaction. */
  beginsTransaction: boolean;
  /** Calls something's `query`. */
  queries: boolean;
}

interface Node {
  type: string;
  [field: string]: unknown;
}

/** Every TypeScript file below the folder. */
export function readSourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => parseSourceFile(path, readFileSync(join(folder, path), "utf8")));
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const tree = parseSync(text, {
    syntax: "typescript",
    tsx: path.endsWith(".tsx"),
    target: "es2024",
  }) as unknown as Node;
  const file: SourceFile = {
    path,
    imports: [],
    readsEnvironment: false,
    usesConsole: false,
    beginsTransaction: false,
    queries: false,
  };
  visit(tree, (node) => inspect(node, file));
  return file;
}

function inspect(node: Node, file: SourceFile): void {
  const found = asImport(node);
  if (found !== undefined) file.imports.push(locate(found, file.path));

  const object = node["object"] as Node | undefined;
  if (node.type === "MemberExpression" && isIdentifier(object, "console")) file.usesConsole = true;
  if (node.type === "MemberExpression" && isIdentifier(object, "process")) {
    file.readsEnvironment ||= propertyName(node["property"] as Node) === "env";
  }
  if (node.type === "CallExpression") {
    const called = node["callee"] as Node;
    const optional = called.type === "OptionalChainingExpression";
    const callee = optional ? (called["base"] as Node) : called;
    if (callee.type === "MemberExpression") {
      file.queries ||= propertyName(callee["property"] as Node) === "query";
    }
  }
  if (node.type === "VariableDeclarator" && isIdentifier(node["init"] as Node, "process")) {
    const pattern = node["id"] as { properties?: { key?: Node }[] };
    file.readsEnvironment ||= (pattern.properties ?? []).some(
      ({ key }) => propertyName(key) === "env",
    );
  }
  if (found !== undefined && /^(node:)?process$/.test(found.target)) {
    file.readsEnvironment ||= found.names.some((name) => name === "env" || name === "*");
  }
  if (node.type === "StringLiteral" || node.type === "TemplateElement") {
    const text = String(node["value"] ?? node["raw"]).trim();
    file.beginsTransaction ||=
      /^(begin|start transaction)( (isolation|read|work|transaction)\b.*)?;?$/i.test(text);
  }
}

function asImport(node: Node): Omit<SourceImport, "local"> | undefined {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration": {
      if (node["source"] === null || node["source"] === undefined) return undefined;
      return {
        target: valueOf(node["source"]),
        typeOnly: node["typeOnly"] === true,
        names: (node["specifiers"] as Node[]).map(importedName),
      };
    }
    case "ExportAllDeclaration": {
      const typeOnly = node["typeOnly"] === true;
      return { target: valueOf(node["source"]), typeOnly, names: ["*"] };
    }
    case "CallExpression": {
      const callee = node["callee"] as Node;
      if (callee.type !== "Import" && !isIdentifier(callee, "require")) return undefined;
      const [first] = node["arguments"] as { expression: Node }[];
      if (first?.expression.type !== "StringLiteral") return undefined;
      return { target: valueOf(first.expression), typeOnly: false, names: ["*"] };
    }
    case "TsImportType":
      return { target: valueOf(node["argument"]), typeOnly: true, names: [] };
    default:
      return undefined;
  }
}

// `import { type A }` alone still loads the module at run time; only A itself is gone.
function importedName(specifier: Node): string {
  if (specifier["isTypeOnly"] === true) return "type";
  if (specifier.type === "ImportDefaultSpecifier") return "default";
  if (specifier.type === "ImportSpecifier") {
    return valueOf(specifier["imported"] ?? specifier["local"]);
  }
  return specifier.type === "ExportSpecifier" ? valueOf(specifier["orig"]) : "*";
}

function locate(found: Omit<SourceImport, "local">, from: string): SourceImport {
  if (!found.target.startsWith(".")) return { ...found, local: false };
  return { ...found, target: posix.join(posix.dirname(from), found.target), local: true };
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see);
  } else if (typeof value === "object" && value !== null) {
    if (typeof (value as Node).type === "string") see(value as Node);
    for (const child of Object.values(value)) visit(child, see);
  }
}

function isIdentifier(node: Node | null | undefined, name: string): boolean {
  return node?.type === "Identifier" && node["value"] === name;
}

function propertyName(node: Node | undefined): string {
  if (node?.type === "Computed") return propertyName(node["expression"] as Node);
  return node === undefined ? "" : String(node["value"]);
}

function valueOf(node: unknown): string {
  return String((node as Node)["value"]);
}
