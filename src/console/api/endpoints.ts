import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, type Query } from "./client.ts";
import { useMay } from "./session.ts";
import type { Delivery, Endpoint, EndpointInput, Page } from "./types.ts";

export function useEndpoints(query: Query) {
  const enabled = useMay("webhooks");
  return useQuery({
    enabled,
    queryKey: ["endpoints", "list", query],
    queryFn: ({ signal }) => api.get<Page<Endpoint>>("/v1/endpoints", query, signal),
    placeholderData: keepPreviousData,
  });
}

export function useEndpoint(id: string) {
  return useQuery({
    queryKey: ["endpoints", id],
    queryFn: ({ signal }) => api.get<Endpoint>(`/v1/endpoints/${id}`, undefined, signal),
  });
}

/** What an edited endpoint leads to: everything that shows endpoints or their lanes. */
function useRefresh() {
  const client = useQueryClient();
  return async () => {
    await Promise.all(
      ["endpoints", "lanes", "overview"].map((family) =>
        client.invalidateQueries({ queryKey: [family] }),
      ),
    );
  };
}

export function useCreateEndpoint() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (input: EndpointInput) =>
      api.post<Endpoint & { secret: string }>("/v1/endpoints", input),
    onSuccess: refresh,
  });
}

export function useUpdateEndpoint(id: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (changes: Partial<EndpointInput>) =>
      api.patch<Endpoint>(`/v1/endpoints/${id}`, changes),
    onSuccess: refresh,
  });
}

export function useDeleteEndpoint(id: string) {
  const refresh = useRefresh();
  return useMutation({ mutationFn: () => api.delete(`/v1/endpoints/${id}`), onSuccess: refresh });
}

export type StateAction = "pause" | "resume" | "enable";

export function useEndpointAction(id: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (action: StateAction) => api.post<Endpoint>(`/v1/endpoints/${id}/${action}`),
    onSuccess: refresh,
  });
}

export function useTestEndpoint(id: string) {
  return useMutation({ mutationFn: () => api.post<Delivery>(`/v1/endpoints/${id}/test`) });
}
