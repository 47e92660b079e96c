import { formatId } from "../../core/ids.ts";
import type { Replay } from "../../core/model.ts";
import type { ReportedItem, ReportLine } from "../../db/deliveries/replay-items.ts";
import type { ReplayBody, ReplayReportBody } from "../schemas/replay.ts";
import { defined, idOrNull, isoTime } from "./common.ts";

export function replayView(replay: Replay): ReplayBody {
  const { canary, canary_passed_at } = replay;
  return {
    id: formatId("replay", replay.id),
    action: replay.action,
    target: replay.target,
    note: replay.note,
    status: replay.status,
    stopped_reason: replay.stopped_reason,
    filter: filterView(replay),
    dry_run: replay.dry_run,
    order: replay.order,
    pace: replay.pace,
    start_at: isoTime(replay.start_at),
    destination: destinationView(replay.destination),
    canary: canary === null ? null : { ...canary, passed_at: isoTime(canary_passed_at) },
    matched: replay.matched,
    matched_exact: replay.matched_exact,
    left_out: replay.left_out.map(({ reason, endpoint_id, count }) => ({
      reason,
      endpoint_id: idOrNull("endpoint", endpoint_id),
      count,
    })),
    replayed: replay.replayed,
    created_at: isoTime(replay.created_at),
    finished_at: isoTime(replay.finished_at),
  };
}

function destinationView(destination: Replay["destination"]): ReplayBody["destination"] {
  if (destination === null || "url" in destination) return destination;
  return { endpoint_id: formatId("endpoint", destination.endpoint_id) };
}

function filterView({ filter, target }: Replay): ReplayBody["filter"] {
  const { ids, endpoint_id, job_id, since, until, ...rest } = filter;
  return defined({
    ...rest,
    ids: ids?.map((id) => formatId(kindOf(target), id)),
    endpoint_id: endpoint_id && formatId("endpoint", endpoint_id),
    job_id: job_id && formatId("job", job_id),
    since: since?.toISOString(),
    until: until?.toISOString(),
  });
}

function kindOf(target: Replay["target"]): "delivery" | "job" {
  return target === "jobs" ? "job" : "delivery";
}

export function reportView(replay: Replay, states: readonly ReportLine[]): ReplayReportBody {
  return {
    replay_id: formatId("replay", replay.id),
    target: replay.target,
    replayed: replay.replayed,
    counted: states.reduce((sum, { count }) => sum + count, 0),
    states: [...states],
  };
}

export const REPORT_HEAD =
  "id,made_from,status,reason,status_code,error_code,endpoint_id,url,event_type,finished_at\r\n";

/** A line of a report as CSV (RFC 4180). */
export function reportLine({ target }: Pick<Replay, "target">, item: ReportedItem): string {
  const kind = kindOf(target);
  const fields = [
    formatId(kind, item.id),
    idOrNull(kind, item.source_id),
    item.status,
    item.reason,
    item.status_code,
    item.error_code,
    idOrNull("endpoint", item.endpoint_id),
    item.url,
    item.event_type,
    isoTime(item.finished_at),
  ];
  return `${fields.map(csvField).join(",")}\r\n`;
}

function csvField(value: string | number | null): string {
  const text = value === null ? "" : String(value);
  // a spreadsheet takes what begins so for a formula
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
