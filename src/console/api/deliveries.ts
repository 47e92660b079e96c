import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, type Query } from "./client.ts";
import type {
  Attempt,
  DeadLetterGroup,
  Delivery,
  DeliveryWithAttempts,
  Message,
  Page,
} from "./types.ts";

export function useDeliveries(filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["deliveries", "list", key],
    queryFn: ({ signal }) => api.get<Page<Delivery>>("/v1/deliveries", filter(), signal),
    placeholderData: keepPreviousData,
  });
}

/** @param waiting looks again by itself, for a result someone waits for */
export function useDelivery(id: string | null, waiting = false) {
  return useQuery({
    queryKey: ["deliveries", id],
    queryFn: ({ signal }) =>
      api.get<DeliveryWithAttempts>(`/v1/deliveries/${id}`, undefined, signal),
    enabled: id !== null,
    refetchInterval: (query) =>
      waiting && (query.state.data?.attempts.length ?? 0) === 0 ? 1_000 : false,
  });
}

/** The attempts before those that a delivery shows, page by page. @param asked begins with the first */
export function useOlderAttempts({ id, attempts_cursor }: DeliveryWithAttempts, asked: boolean) {
  return useInfiniteQuery({
    queryKey: ["deliveries", id, "attempts"],
    queryFn: ({ pageParam: cursor, signal }) =>
      api.get<Page<Attempt>>(`/v1/deliveries/${id}/attempts`, { cursor }, signal),
    initialPageParam: attempts_cursor,
    getNextPageParam: ({ next_cursor }) => next_cursor,
    enabled: asked && attempts_cursor !== null,
  });
}

export function useMessage(id: string | undefined) {
  return useQuery({
    queryKey: ["messages", id],
    queryFn: ({ signal }) => api.get<Message>(`/v1/messages/${id}`, undefined, signal),
    enabled: id !== undefined,
    staleTime: Infinity,
  });
}

export function useReplayDelivery() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.post<Delivery>(`/v1/deliveries/${id}/replay`),
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
    queryFn: ({ signal }) => api.get<Page<Delivery>>("/v1/dead-letters", filter(), signal),
    placeholderData: keepPreviousData,
  });
}

export function useDeadLetterGroups(by: "reason" | "endpoint", filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["dead-letters", "groups", by, key],
    queryFn: async ({ signal }) => {
      const query = { by, ...filter() };
      const path = "/v1/dead-letters/groups";
      return (await api.get<{ data: DeadLetterGroup[] }>(path, query, signal)).data;
    },
    placeholderData: keepPreviousData,
  });
}
