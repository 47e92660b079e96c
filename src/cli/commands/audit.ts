import { Option } from "commander";
import type { Command } from "commander";
import type { AuditEvent } from "../../client/openapi-types.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import { rangeOf, showList, withPaging, withRange } from "../api/list.ts";
import type { ListOptions, RangeOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";

/** `ringback audit …` */
export function addAudit(cli: Cli, program: Command): void {
  const audit = program.command("audit").description("who changed what");
  const list = withFilter(
    withPaging(audit.command("list").description("list changes, newest first")),
  );
  onApi(cli, list, async (session, options: ListOptions & RangeOptions) => {
    const filter = filterOf(options);
    const read = (query: { limit: number; cursor?: string }) =>
      session.client.request("GET /v1/audit-events", { query: { ...filter, ...query } });
    await showList(session, options, read, COLUMNS);
  });
  examples(
    list,
    "audit list --since 1d",
    "audit list --target ep_01…",
    "audit list --actor key_01… --action endpoint.deleted",
  );
  const all = withFilter(
    audit.command("export").description("write changes out, newest first"),
  ).addOption(
    new Option("--format <format>", "csv or ndjson").choices(["csv", "ndjson"]).default("csv"),
  );
  onApi(cli, all, async ({ caller, terminal, interrupted }, options: ExportOptions) => {
    const query = new URLSearchParams({ ...filterOf(options), format: options.format });
    const path = `/v1/audit-events/export?${query.toString()}`;
    const answer = await caller.stream(path, {}, { signal: interrupted });
    const decoder = new TextDecoder();
    for await (const bytes of answer.body!) {
      terminal.stdout.write(decoder.decode(bytes as Uint8Array, { stream: true }));
    }
  });
  examples(all, "audit export --since 30d", "audit export --format ndjson");
}

type ExportOptions = RangeOptions & { format: string };

function withFilter(command: Command): Command {
  return withRange(command)
    .option("--actor <key>", "what this API key did, or `system`")
    .option("--action <action>", "of this kind, such as endpoint.updated")
    .option("--target <id>", "to this endpoint, key, replay, delivery or account");
}

function filterOf(options: RangeOptions): Record<string, string> {
  return { ...queryOf(options, ["actor", "action", "target"]), ...rangeOf(options) };
}

const COLUMNS: readonly TextColumn<AuditEvent>[] = [
  { head: "WHEN", text: ({ at }) => relative(at) },
  { head: "WHO", text: ({ actor }) => actor.name, gives: true },
  { head: "ACTION", text: ({ action }) => action },
  { head: "TARGET", text: ({ target }) => target.name || target.id, gives: true },
  { head: "CHANGED", text: changeText, gives: true },
  { head: "FROM", text: ({ address }) => address ?? "" },
];

/** What changed: `timeout_s: 15 → 9`. */
function changeText({ before, after }: AuditEvent): string {
  const names = Object.keys({ ...before, ...after });
  return names
    .map((name) => {
      const [old, now] = [before?.[name], after?.[name]].map((value) =>
        value === undefined ? "" : JSON.stringify(value),
      );
      return `${name}: ${[old, now].filter(Boolean).join(" → ")}`;
    })
    .join(", ");
}
