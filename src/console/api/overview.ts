import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "./client.ts";
import { useMay } from "./session.ts";

export function useOverview() {
  return useQuery({
    queryKey: ["overview"],
    queryFn: ({ signal }) => call("GET /v1/overview", { signal }),
    refetchInterval: 15_000,
  });
}

export const RANGES = {
  "1h": { label: "1 hour", seconds: 3_600, step: 60 },
  "24h": { label: "24 hours", seconds: 86_400, step: 3_600 },
  "7d": { label: "7 days", seconds: 604_800, step: 3_600 },
  "30d": { label: "30 days", seconds: 2_592_000, step: 86_400 },
} as const;

export type RangeName = keyof typeof RANGES;

export function useStats(range: RangeName, endpointId?: string) {
  const { seconds, step } = RANGES[range];
  return useQuery({
    queryKey: ["stats", range, endpointId ?? null],
    queryFn({ signal }) {
      const query = {
        since: new Date(Date.now() - seconds * 1000).toISOString(),
        until: new Date().toISOString(),
        step_s: step,
        endpoint_id: endpointId,
      };
      return call("GET /v1/stats", { query, signal });
    },
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
}

export function useWorkers() {
  const enabled = useMay("operator");
  return useQuery({
    enabled,
    queryKey: ["workers"],
    queryFn: async ({ signal }) => (await call("GET /v1/workers", { signal })).data,
    refetchInterval: 5_000,
  });
}

/** The lanes with something pending that they hold back. */
export function useTroubledLanes() {
  const enabled = useMay("webhooks:read");
  return useQuery({
    enabled,
    queryKey: ["lanes", "troubled"],
    async queryFn({ signal }) {
      const statuses = ["failing", "paused", "disabled"];
      const pages = await Promise.all(
        statuses.map((status) => call("GET /v1/lanes", { query: { status, limit: 20 }, signal })),
      );
      return pages.flatMap(({ data }) => data).filter(({ pending }) => pending.count > 0);
    },
    refetchInterval: 15_000,
  });
}
