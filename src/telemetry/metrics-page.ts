/**
 * Makes one page of several in the text format of Prometheus: each metric once, with the lines of
 * all pages. Lines of two processes differ by a label.
 */
export function mergePages(pages: readonly string[]): string {
  const samples = new Map<string, string[]>();
  for (const page of pages) {
    for (const part of page.split(/^(?=# HELP )/m)) {
      const [help, type, ...lines] = part.trimEnd().split("\n");
      if (type === undefined) continue;
      const head = `${help}\n${type}`;
      const found = samples.get(head);
      if (found === undefined) samples.set(head, lines);
      else found.push(...lines);
    }
  }
  const metrics = [...samples].map(([head, lines]) => [head, ...lines].join("\n"));
  return `${metrics.join("\n\n")}\n`;
}
