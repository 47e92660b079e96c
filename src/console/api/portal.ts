import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { PortalSessionInput } from "../../client/openapi-types.ts";
import { call } from "./client.ts";

const FAMILY = ["portal-sessions"];

/** Links to an endpoint that have not ended, of the newest ones. */
export function usePartnerLinks(endpointId: string) {
  return useQuery({
    queryKey: [...FAMILY, endpointId],
    queryFn: async ({ signal }) => {
      const query = { limit: 200 };
      const { data } = await call("GET /v1/portal-sessions", { query, signal });
      return data.filter(({ endpoint_ids }) => endpoint_ids.includes(endpointId));
    },
  });
}

export function useCreatePartnerLink() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: PortalSessionInput) => call("POST /v1/portal-sessions", { body: input }),
    onSuccess: () => client.invalidateQueries({ queryKey: FAMILY }),
    gcTime: 0,
  });
}

export function useRevokePartnerLink() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => call("DELETE /v1/portal-sessions/{id}", { id }),
    onSuccess: () => client.invalidateQueries({ queryKey: FAMILY }),
  });
}
