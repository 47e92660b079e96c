import type { Command } from "commander";
import { examples, withConnection } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { findConnection, openOutput } from "../api/session.ts";
import type { ServerOptions } from "../api/session.ts";
import type { Finding } from "../doctor/check.ts";
import { EXIT } from "../exit.ts";
import { stateStyle } from "../output/output.ts";
import { printable } from "../output/printable.ts";

/** `ringback doctor` */
export function addDoctor(cli: Cli, program: Command): void {
  const command = program
    .command("doctor")
    .description("check settings, database, workers and server; 1 when something is broken");
  withConnection(command).action(async (options: ServerOptions) => {
    cli.end(await runDoctor(cli, options));
  });
  examples(command, "doctor", "doctor --json", "doctor --url https://ringback.example");
}

async function runDoctor({ terminal }: Cli, options: ServerOptions): Promise<number> {
  const { examine } = await import("../doctor/examine.ts");
  const { environment } = terminal;
  const out = openOutput(options, terminal);
  const findings: Finding[] = [];
  for await (const finding of examine({ ...findConnection(options, environment), environment })) {
    findings.push(finding);
    if (!out.json) show(finding);
  }
  function show({ name, state, detail, advice }: Finding): void {
    const mark = out.paint(stateStyle(state) ?? "dim", state.padEnd(4));
    out.line(`${mark}  ${name.padEnd(12)}  ${printable(detail)}`);
    if (advice !== undefined) out.line(`${" ".repeat(20)}→ ${advice}`);
  }
  const healthy = findings.every(({ state }) => state !== "fail");
  out.answer({ ok: healthy, checks: findings }, () => undefined);
  return healthy ? EXIT.ok : EXIT.failed;
}
