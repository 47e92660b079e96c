import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call, type Query } from "./client.ts";

export function useAuditEvents(filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["audit-events", key],
    queryFn: ({ signal }) => call("GET /v1/audit-events", { query: filter(), signal }),
    placeholderData: keepPreviousData,
  });
}
