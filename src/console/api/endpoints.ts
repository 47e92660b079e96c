import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call, type Query } from "./client.ts";
import { useMay } from "./session.ts";
import type { EndpointInput } from "./types.ts";

export function useEndpoints(query: Query) {
  const enabled = useMay("webhooks:read");
  return useQuery({
    enabled,
    queryKey: ["endpoints", "list", query],
    queryFn: ({ signal }) => call("GET /v1/endpoints", { query, signal }),
    placeholderData: keepPreviousData,
  });
}

export function useEndpoint(id: string) {
  return useQuery({
    queryKey: ["endpoints", id],
    queryFn: ({ signal }) => call("GET /v1/endpoints/{id}", { id, signal }),
  });
}

/** Refreshes everything that shows endpoints or their lanes. */
function useRefresh() {
  const client = useQueryClient();
  return async () => {
    await Promise.all(
      ["endpoints", "lanes", "overview", "dead-letters", "replays"].map((family) =>
        client.invalidateQueries({ queryKey: [family] }),
      ),
    );
  };
}

export function useCreateEndpoint() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (input: EndpointInput) => call("POST /v1/endpoints", { body: input }),
    onSuccess: refresh,
  });
}

export function useUpdateEndpoint(id: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (changes: Partial<EndpointInput>) =>
      call("PATCH /v1/endpoints/{id}", { id, body: changes }),
    onSuccess: refresh,
  });
}

export function useDeleteEndpoint(id: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (discardDeadLetters: boolean) =>
      call("DELETE /v1/endpoints/{id}", {
        id,
        query: discardDeadLetters ? { discard_dead_letters: "true" } : {},
      }),
    onSuccess: refresh,
  });
}

export type StateAction = "pause" | "resume" | "enable" | "disable";

export function useEndpointAction(id: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (action: StateAction) => call(`POST /v1/endpoints/{id}/${action}`, { id }),
    onSuccess: refresh,
  });
}

export function useTestEndpoint(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call("POST /v1/endpoints/{id}/test", { id }),
    // the answer is the delivery as its page shows it
    onSuccess: (delivery) => client.setQueryData(["deliveries", delivery.id], delivery),
  });
}
