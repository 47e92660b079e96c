import { parseArgs } from "node:util";
import { findInstalled, findPublished, MAJORS } from "./binaries.ts";
import type { Server, Skipped } from "./binaries.ts";
import { CHECKS } from "./checks.ts";
import type { CheckName, Finding } from "./checks.ts";

const USAGE = `npm run test:postgres -- [options]

Walks the path of a job against each supported version of PostgreSQL, fetched once into .postgres/,
and against the servers of the distribution in /usr/lib/postgresql, whose JIT is on.

  --versions <n,n>    major versions (${MAJORS.join(",")})
  --only <name,name>  of path (tests), stock (25 jobs/s on stock settings), faults (20 s of them)
  --figures           also the path at 25, 100 and 400 jobs/s, on stock settings
  --help

Ends with 0 when everything passed, if only at its second try, else with 1. What could not be tested is
named as skipped.`;

const USUAL: readonly CheckName[] = ["path", "stock", "faults"];

const { versions, checks } = readArguments();

function readArguments(): { versions: number[]; checks: CheckName[] } {
  try {
    const { values } = parseArgs({
      options: {
        versions: { type: "string" },
        only: { type: "string" },
        figures: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const names = values.only?.split(",").map((name) => name.trim()) ?? USUAL;
    const unknown = names.filter((name) => !(USUAL as readonly string[]).includes(name));
    if (unknown.length > 0) throw new Error(`no such check: ${unknown.join(", ")}`);
    const asked = values.versions?.split(",").map(Number) ?? MAJORS;
    const unheard = asked.filter((major) => !MAJORS.includes(major));
    if (unheard.length > 0) throw new Error(`--versions must be of ${MAJORS.join(", ")}`);
    return {
      versions: asked,
      checks: [...(names as CheckName[]), ...(values.figures ? (["figures"] as const) : [])],
    };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function findServers(): Promise<(Server | Skipped)[]> {
  const published: (Server | Skipped)[] = [];
  for (const major of versions) published.push(await findPublished(major));
  const installed = (await findInstalled()).filter(({ major }) => versions.includes(major));
  if (installed.length > 0) return [...published, ...installed];
  const reason = `none of ${versions.join(", ")} in /usr/lib/postgresql`;
  return [...published, { name: "PostgreSQL of the distribution", reason }];
}

async function check(server: Server, name: CheckName): Promise<Finding> {
  try {
    return await CHECKS[name](server);
  } catch (error) {
    const { message, stack } = error as Error;
    return { passed: 0, failed: 1, detail: message, figures: [], output: stack ?? message };
  }
}

function show(name: CheckName, { failed, detail, figures, output }: Finding, tookMs: number): void {
  const seconds = `${Math.round(tookMs / 1000)} s`.padStart(6);
  console.log(`  ${failed === 0 ? "ok    " : "FAILED"} ${name.padEnd(8)} ${seconds}  ${detail}`);
  for (const line of figures) console.log(`${" ".repeat(26)}${line}`);
  // indented, so that no line of it is taken for the total
  if (failed > 0) console.log(output.trimEnd().replace(/^/gm, "    | "));
}

/** What failed once is checked once more, as the tests themselves are, and both are shown. */
async function checkAndShow(server: Server, name: CheckName): Promise<Finding> {
  for (let tried = 1; ; tried += 1) {
    const began = performance.now();
    const found = await check(server, name);
    show(name, found, performance.now() - began);
    if (found.failed === 0 || tried === 2) return found;
    console.log(`  ${name} failed; once more`);
  }
}

const total = { passed: 0, failed: 0 };
let tested = 0;
for (const server of await findServers()) {
  if ("reason" in server) {
    console.log(`${server.name}: ${server.reason}, skipped`);
    continue;
  }
  console.log(server.name);
  tested += 1;
  for (const name of checks) {
    const found = await checkAndShow(server, name);
    total.passed += found.passed;
    total.failed += found.failed;
  }
}
if (tested === 0) {
  console.log("no server could be tested");
  total.failed += 1;
}
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
