import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { call } from "./client.ts";
import type { Secret, SigningKeys } from "./types.ts";

/** The owner of a secret: an endpoint, or an origin of callback URLs. */
export type SecretOf = { endpointId: string } | { origin: string };

export async function readSecret(owner: SecretOf): Promise<Secret> {
  if ("endpointId" in owner) {
    return await call("GET /v1/endpoints/{id}/secret", { id: owner.endpointId });
  }
  return await call("GET /v1/signing-secret", { query: owner });
}

export async function readSigningKeys(): Promise<SigningKeys> {
  return await call("GET /v1/signing-key");
}

/** A mutation, so that the secret is not kept in the cache. */
export function useRevealSecret() {
  return useMutation({ mutationFn: readSecret, gcTime: 0 });
}

/** A new secret of an endpoint, or (null) of all origins: theirs are revealed one by one. */
export function useRotateSecret(endpointId: string | null) {
  type Rotated = Pick<Secret, "previous_expires_at"> & Partial<Secret>;
  return useMutation({
    async mutationFn(overlapS: number): Promise<Rotated> {
      const body = { overlap_s: overlapS };
      if (endpointId === null) return await call("POST /v1/signing-secret/rotate", { body });
      return await call("POST /v1/endpoints/{id}/rotate-secret", { id: endpointId, body });
    },
    gcTime: 0,
  });
}

export function useSigningKeys() {
  return useQuery({ queryKey: ["signing-key"], queryFn: readSigningKeys });
}

export function useRotateSigningKey() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (overlapS: number) =>
      call("POST /v1/signing-key/rotate", { body: { overlap_s: overlapS } }),
    onSuccess: (keys) => client.setQueryData(["signing-key"], keys),
  });
}

/** The page of the secret of an origin. */
export function originPage(origin: string): string {
  return `/settings?tab=signing&origin=${encodeURIComponent(origin)}`;
}
