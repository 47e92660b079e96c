import { MAX_REPORTED } from "../../core/model.ts";
import { Problem } from "../../core/problem.ts";
import { countReplayItems, listReplayItems } from "../../db/deliveries/replay-items.ts";
import { getReplay } from "../../db/deliveries/replays.ts";
import { csvReply, wantsCsv } from "../csv.ts";
import { json } from "../reply.ts";
import { REPORT_HEAD, reportLine, reportView } from "../views/replay.ts";
import { route } from "../route.ts";
import { idPath } from "../schemas/common.ts";
import { replayReport, reportQuery } from "../schemas/replay.ts";

const PAGE = 1_000;

export const report = route({
  method: "get",
  path: "/v1/replays/{id}/report",
  scopes: ["webhooks:read"],
  endpoints: "replay",
  permission: "read",
  operationId: "getReplayReport",
  tag: "Replays",
  summary: "What became of what a replay has sent again",
  description: `Counts of deliveries or jobs as they are now; of the first ${MAX_REPORTED}. With \`Accept: text/csv\` or \`format=csv\`: a line for each of these.`,
  headers: { accept: { description: "`text/csv` for a list", example: "application/json" } },
  params: idPath("replay"),
  query: reportQuery,
  responses: { 200: { description: "The report", schema: replayReport } },
  problems: ["id_invalid", "query_invalid", "not_found"],
  async handler(context, { accountId, params: { id }, query, header, disconnected }) {
    const replay = await getReplay(context.pool, accountId, id);
    if (replay === null) throw new Problem("not_found", "There is no such replay.");
    const csv = query.format === undefined ? wantsCsv(header("accept")) : query.format === "csv";
    if (!csv) return json(200, reportView(replay, await countReplayItems(context.lookups, replay)));
    let after: string | null = null;
    let read = 0;
    return csvReply(REPORT_HEAD, disconnected(), async () => {
      if (read >= MAX_REPORTED) return null;
      const items = await listReplayItems(context.lookups, replay, { after, limit: PAGE });
      after = items.at(-1)?.id ?? null;
      read += items.length;
      return items.length === 0 ? null : items.map((item) => reportLine(replay, item)).join("");
    });
  },
});
