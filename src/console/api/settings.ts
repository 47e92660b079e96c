import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client.ts";
import type { ApiKey, Scope, Settings } from "./types.ts";

export function useSettings() {
  return useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => api.get<Settings>("/v1/settings", undefined, signal),
  });
}

export function useApiKeys() {
  return useQuery({
    queryKey: ["api-keys"],
    queryFn: async ({ signal }) =>
      (await api.get<{ data: ApiKey[] }>("/v1/api-keys", undefined, signal)).data,
  });
}

export function useCreateApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: { name: string; scopes: Scope[] }) =>
      api.post<ApiKey & { key: string }>("/v1/api-keys", input),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
    gcTime: 0,
  });
}

export function useRevokeApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.delete(`/v1/api-keys/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
}
