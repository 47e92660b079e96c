import type { Command } from "commander";
import type { SearchHit } from "../../client/openapi-types.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";

const hitColumns: readonly TextColumn<SearchHit>[] = [
  { head: "KIND", text: ({ kind }) => kind.replace("_", " ") },
  { head: "ID", text: ({ id }) => id },
  { head: "BY", text: ({ by }) => by.replace("_", " ") },
  { head: "MADE", text: ({ at }) => relative(at) },
  { head: "", text: ({ label }) => label, gives: true },
];

/** `ringback search …` */
export function addSearch(cli: Cli, program: Command): void {
  const search = program
    .command("search <text>")
    .description(
      "find things by what you have: an id, a request id, an idempotency key, metadata, a callback URL, a name",
    );
  onApi(cli, search, async (session, text: string) => {
    const { out } = session;
    const answer = await session.client.search(text);
    out.answer(answer, () => {
      if (answer.hits.length > 0) out.table(answer.hits, hitColumns);
      out.note(answer.summary);
      if (answer.hits.length > 0) return;
      out.note(`Within bodies: ringback messages list --since 7d --text ${JSON.stringify(text)}`);
    });
  });
  examples(search, "search A-10019", "search order=A-10019", "search https://example.com/hooks");
}
