import { STATS_WIDTH, summarize } from "../../core/stats.ts";
import { listStats } from "../../db/statistics/counters.ts";
import { json } from "../reply.ts";
import { route, type Route } from "../route.ts";
import { stats as statsSchema, statsQuery } from "../schemas/stats.ts";

const HOUR_MS = 3_600_000;

/** Points for charts: one per step, also for steps without counts. */
export const statsRoute: Route = route({
  method: "get",
  path: "/v1/stats",
  scopes: ["jobs:read", "webhooks:read"],
  endpoints: "query",
  permission: "read",
  operationId: "getStats",
  tag: "Operation",
  summary: "Jobs, deliveries and attempts over time",
  description:
    "For charts. Each process counts for itself and writes every 5 s, so the last seconds of one that was killed are missing here; the lists are exact. Steps below an hour reach back 7 days, longer ones 400.",
  query: statsQuery,
  responses: { 200: { description: "Oldest first", schema: statsSchema } },
  problems: ["query_invalid"],
  async handler(context, { accountId, query: { step_s: stepS, endpoint_id, ...range } }) {
    const stepMs = stepS * 1000;
    const until = range.until ?? context.now();
    const since = floor(range.since ?? new Date(until.getTime() - HOUR_MS), stepMs);
    const query = { since, until, stepS, endpointId: endpoint_id };
    const rows = await listStats(context.lookups, accountId, query);
    const byTime = new Map(rows.map(({ at, counts }) => [at.getTime(), counts]));
    const points = Math.ceil((until.getTime() - since.getTime()) / stepMs);
    const series = Array.from({ length: points }, (_, index) => {
      const at = since.getTime() + index * stepMs;
      return { at: new Date(at).toISOString(), ...summarize(byTime.get(at) ?? []) };
    });
    const sums = Array.from({ length: STATS_WIDTH }, (_, place) =>
      rows.reduce((sum, { counts }) => sum + (counts[place] ?? 0), 0),
    );
    const totals = summarize(sums);
    const { delivered, dead } = totals.deliveries;
    return json(200, {
      since: since.toISOString(),
      until: until.toISOString(),
      step_s: stepS,
      series,
      totals: {
        ...totals,
        success_rate: delivered + dead === 0 ? null : delivered / (delivered + dead),
      },
    });
  },
});

function floor(time: Date, stepMs: number): Date {
  return new Date(Math.floor(time.getTime() / stepMs) * stepMs);
}
