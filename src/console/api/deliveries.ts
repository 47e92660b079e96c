import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { call, type Query } from "./client.ts";
import type { DeliveryWithAttempts } from "./types.ts";

export function useDeliveries(filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["deliveries", "list", key],
    queryFn: ({ signal }) => call("GET /v1/deliveries", { query: filter(), signal }),
    placeholderData: keepPreviousData,
  });
}

/** Types for choices. */
export function useEventTypes() {
  return useQuery({
    queryKey: ["event-types"],
    queryFn: async ({ signal }) =>
      (await call("GET /v1/event-types", { signal })).data.map(({ type }) => type),
    staleTime: 60_000,
  });
}

export function useDelivery(id: string | null) {
  return useQuery({
    queryKey: ["deliveries", id],
    queryFn: ({ signal }) => call("GET /v1/deliveries/{id}", { id: id!, signal }),
    enabled: id !== null,
    refetchInterval: ({ state: { data } }) =>
      // no event tells of all that holds one back
      data?.status === "pending" ? 5_000 : false,
  });
}

/** The attempts before those that a delivery shows, page by page. @param asked begins with the first */
export function useOlderAttempts({ id, attempts_cursor }: DeliveryWithAttempts, asked: boolean) {
  return useInfiniteQuery({
    queryKey: ["deliveries", id, "attempts"],
    queryFn: ({ pageParam: cursor, signal }) =>
      call("GET /v1/deliveries/{id}/attempts", { id, query: { cursor }, signal }),
    initialPageParam: attempts_cursor,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    enabled: asked && attempts_cursor !== null,
  });
}

export function useMessage(id: string | undefined) {
  return useQuery({
    queryKey: ["messages", id],
    queryFn: ({ signal }) => call("GET /v1/messages/{id}", { id, signal }),
    enabled: id !== undefined,
    staleTime: Infinity,
  });
}

export function useReplayDelivery() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call("POST /v1/deliveries/{id}/replay", { id }),
    async onSuccess() {
      await Promise.all(
        ["deliveries", "dead-letters", "jobs"].map((family) =>
          client.invalidateQueries({ queryKey: [family] }),
        ),
      );
    },
  });
}

export function useDeadLetters(filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["dead-letters", "list", key],
    queryFn: ({ signal }) => call("GET /v1/dead-letters", { query: filter(), signal }),
    placeholderData: keepPreviousData,
  });
}

/** The inbox by endpoint and cause. */
export function useDeadLetterCauses() {
  return useQuery({
    queryKey: ["dead-letters", "causes"],
    queryFn: async ({ signal }) =>
      (await call("GET /v1/dead-letters/groups", { query: { by: "cause" }, signal })).data,
  });
}

export function useDeadLetterGroups(by: "reason" | "endpoint", filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["dead-letters", "groups", by, key],
    queryFn: async ({ signal }) => {
      const query = { by, ...filter() };
      return (await call("GET /v1/dead-letters/groups", { query, signal })).data;
    },
    // groups by one thing are no groups by another
    placeholderData: (before, query) => (query?.queryKey[2] === by ? before : undefined),
  });
}
