import { formatId } from "../../core/ids.ts";
import type { Replay, ReplayFilter } from "../../core/model.ts";
import type { ReplayBody } from "../schemas/replay.ts";
import { defined, isoTime } from "./common.ts";

export function replayView(replay: Replay): ReplayBody {
  return {
    id: formatId("replay", replay.id),
    action: replay.action,
    note: replay.note,
    status: replay.status,
    filter: filterView(replay.filter),
    dry_run: replay.dry_run,
    matched: replay.matched,
    matched_exact: replay.matched_exact,
    replayed: replay.replayed,
    created_at: isoTime(replay.created_at),
    finished_at: isoTime(replay.finished_at),
  };
}

function filterView({
  ids,
  endpoint_id,
  job_id,
  since,
  until,
  ...rest
}: ReplayFilter): ReplayBody["filter"] {
  return defined({
    ...rest,
    ids: ids?.map((id) => formatId("delivery", id)),
    endpoint_id: endpoint_id && formatId("endpoint", endpoint_id),
    job_id: job_id && formatId("job", job_id),
    since: since?.toISOString(),
    until: until?.toISOString(),
  });
}
