/** The options of these names, as the API calls them: `endpointId` → `endpoint_id`. */
export function queryOf(options: object, names: readonly string[]): Record<string, string> {
  const entries = Object.entries(options)
    .filter(([name, value]) => names.includes(name) && value !== undefined)
    .map(([name, value]): [string, string] => [snakeCase(name), String(value)]);
  return Object.fromEntries(entries);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
