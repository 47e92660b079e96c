import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { call, type Query } from "./client.ts";
import { useMay } from "./session.ts";

export function useMessages(filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["messages", "list", key],
    queryFn: ({ signal }) => call("GET /v1/messages", { query: filter(), signal }),
    placeholderData: keepPreviousData,
  });
}

/** The messages of a job, and its events that nobody wanted. */
export function useJobMessages(jobId: string) {
  const enabled = useMay("webhooks");
  return useQuery({
    enabled,
    queryKey: ["jobs", jobId, "messages"],
    queryFn: ({ signal }) =>
      call("GET /v1/messages", { query: { job_id: jobId, limit: 50 }, signal }),
  });
}

/** A message as it is now, with its deliveries and the endpoints that got none. */
export function useMessageNow(id: string) {
  return useQuery({
    queryKey: ["messages", "now", id],
    queryFn: ({ signal }) => call("GET /v1/messages/{id}", { id, signal }),
  });
}

/** The messages with a text in their bodies, page by page, each of which looks further back. */
export function useBodySearch(filter: Query) {
  return useInfiniteQuery({
    queryKey: ["body-search", filter],
    queryFn: ({ pageParam: cursor, signal }) =>
      call("GET /v1/messages", { query: { ...filter, cursor, limit: 50 }, signal }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    staleTime: Infinity,
  });
}
