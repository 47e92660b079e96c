import type { Config, Secrets } from "../../config.ts";
import type { Service } from "../../server/start.ts";

/** Prints the facts for a person who has just started the server, to standard output. */
export function printBanner(
  { url, apiKey }: Pick<Service, "url" | "apiKey">,
  config: Config,
  secrets: Secrets,
): void {
  const shownKey = apiKey ?? "$RINGBACK_API_KEY";
  const lines = [
    "",
    `  Ringback ${config.version}   ${url}`,
    "",
    ...(config.roles.includes("api")
      ? [`  Console      ${url}/console/`, `  API docs     ${url}/docs/`]
      : []),
    `  API key      ${apiKey ?? "the one given in RINGBACK_API_KEY or made at the first start"}`,
    `  Data         ${config.development ? config.dataDir : "the Postgres of DATABASE_URL"}`,
    `  Receivers    ${receivers(config)}`,
    `  Roles        ${config.roles.join(", ")}`,
    ...(config.processes === 1 ? [] : [`  Processes    ${config.processes}`]),
  ];
  if (config.roles.includes("api")) {
    lines.push(
      "",
      "  Try it:",
      "",
      `  curl -s ${url}/v1/jobs -H 'prefer: wait=5' -H "authorization: Bearer ${shownKey}" \\`,
      `    -H 'content-type: application/json' -d '{"type":"demo.echo","input":{"hello":"world"}}'`,
    );
  }
  if (!config.development && apiKey !== null && secrets.apiKey === null) {
    lines.push("", "  This API key is shown this once: keep it.");
  }
  console.log(`${lines.join("\n")}\n`);
}

function receivers({ allowTargets, development }: Config): string {
  if (allowTargets === "") return "public https only";
  const loopback = development && allowTargets.startsWith("127.0.0.0/8");
  return `public https, and ${loopback ? "this machine's loopback, http too (development)" : allowTargets}`;
}
