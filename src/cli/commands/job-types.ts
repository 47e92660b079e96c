import type { Command } from "commander";
import type { JobType } from "../../client/openapi-types.ts";
import { CliError, EXIT } from "../exit.ts";
import type { TextColumn } from "../output/table.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { showJson } from "../api/job-view.ts";

/** `ringback job-types [name]` */
export function addJobTypes(cli: Cli, program: Command): void {
  const command = program
    .command("job-types [name]")
    .description("what can be computed; with a name, its schemas")
    .option("--names", "names only, one a line");
  type Options = { names?: true };
  onApi(cli, command, async (session, name: string | undefined, { names }: Options) => {
    const { client, out } = session;
    const types = await client.jobTypes.list();
    if (names === true) return types.forEach((type) => out.line(type.name));
    if (name === undefined) return out.answer({ data: types }, () => out.table(types, COLUMNS));
    const found = types.find((type) => type.name === name);
    if (found === undefined) throw new CliError(EXIT.notFound, `there is no job type ${name}`);
    out.answer(found, () => showJson(session, found));
  });
  examples(command, "job-types", "job-types csv.summary --json");
}

const COLUMNS: readonly TextColumn<JobType>[] = [
  { head: "NAME", text: ({ name }) => name },
  { head: "TIMEOUT", text: ({ timeout_s }) => `${timeout_s} s`, right: true },
  { head: "RUNS", text: ({ max_runs }) => max_runs, right: true },
  { head: "DESCRIPTION", text: ({ description }) => description, gives: true },
];
