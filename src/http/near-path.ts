import { nearest } from "../core/nearest.ts";

/** The path of the API that was probably meant; null: none is like it. */
export function nearPath(path: string, templates: Iterable<string>): string | null {
  const given = path.split("/").slice(0, MOST_PARTS);
  const candidates = [...new Set(templates)].map((template) => fillIn(template, given));
  const versioned = `/v1${path}`;
  if (candidates.includes(versioned) || known(versioned, templates)) return versioned;
  return nearest(path, candidates);
}

const MOST_PARTS = 10;

/** A template with the parts of a path in place of its parameters. */
function fillIn(template: string, given: readonly string[]): string {
  const parts = template.split("/");
  return parts
    .map((part, index) => (part.startsWith("{") ? (given[index] ?? part) : part))
    .join("/");
}

function known(path: string, templates: Iterable<string>): boolean {
  const given = path.split("/");
  return [...templates].some((template) => fillIn(template, given) === path);
}
