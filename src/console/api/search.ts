import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { call } from "./client.ts";

export function useSearch(text: string) {
  return useQuery({
    queryKey: ["search", text],
    queryFn: ({ signal }) => call("GET /v1/search", { query: { q: text }, signal }),
    enabled: text !== "",
    placeholderData: keepPreviousData,
    staleTime: 5_000,
  });
}
