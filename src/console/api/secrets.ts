import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client.ts";
import type { Secret, SigningKeys } from "./types.ts";

/** Whose secret: an endpoint's own, or that of an origin of callback URLs. */
export type SecretOwner = { endpointId: string } | { origin: string };

export async function readSecret(owner: SecretOwner): Promise<Secret> {
  return await api.get<Secret>(
    "origin" in owner
      ? `/v1/signing-secret?origin=${encodeURIComponent(owner.origin)}`
      : `/v1/endpoints/${owner.endpointId}/secret`,
  );
}

export async function readSigningKeys(): Promise<SigningKeys> {
  return await api.get<SigningKeys>("/v1/signing-key");
}

/** A mutation, so that the secret is not kept in the cache. */
export function useRevealSecret() {
  return useMutation({ mutationFn: readSecret, gcTime: 0 });
}

/** A new secret of an endpoint, or (null) of all origins: theirs are revealed one by one. */
export function useRotateSecret(endpointId: string | null) {
  const path =
    endpointId === null ? "/v1/signing-secret/rotate" : `/v1/endpoints/${endpointId}/rotate-secret`;
  type Rotated = Pick<Secret, "previous_expires_at"> & Partial<Secret>;
  return useMutation({
    mutationFn: (overlapS: number) => api.post<Rotated>(path, { overlap_s: overlapS }),
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
      api.post<SigningKeys>("/v1/signing-key/rotate", { overlap_s: overlapS }),
    onSuccess: (keys) => client.setQueryData(["signing-key"], keys),
  });
}

/** The page of the secret of an origin. */
export function originPage(origin: string): string {
  return `/settings?tab=signing&origin=${encodeURIComponent(origin)}`;
}
