import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "./client.ts";
import type { ApiKeyInput } from "../../client/openapi-types.ts";

export function useSettings() {
  return useQuery({
    queryKey: ["settings"],
    queryFn: ({ signal }) => call("GET /v1/settings", { signal }),
  });
}

export function useApiKeys() {
  return useQuery({
    queryKey: ["api-keys"],
    queryFn: async ({ signal }) => (await call("GET /v1/api-keys", { signal })).data,
  });
}

export function useCreateApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: ApiKeyInput) => call("POST /v1/api-keys", { body: input }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
    gcTime: 0,
  });
}

export function useRevokeApiKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call("DELETE /v1/api-keys/{id}", { id }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
}
