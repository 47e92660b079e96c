import { useMutation, useQuery } from "@tanstack/react-query";
import { api } from "./client.ts";
import type { Secret } from "./types.ts";

/** Whose secret: an endpoint's, or (null) the account's, which signs for callback URLs. */
export type SecretOwner = string | null;

export async function readSecret(owner: SecretOwner): Promise<Secret> {
  return await api.get<Secret>(
    owner === null ? "/v1/signing-secret" : `/v1/endpoints/${owner}/secret`,
  );
}

export async function readPublicKey(): Promise<string> {
  return (await api.get<{ public_key: string }>("/v1/signing-key")).public_key;
}

/** A mutation, so that the secret is not kept in the cache. */
export function useRevealSecret(owner: SecretOwner) {
  return useMutation({ mutationFn: () => readSecret(owner), gcTime: 0 });
}

export function useRotateSecret(owner: SecretOwner) {
  const path =
    owner === null ? "/v1/signing-secret/rotate" : `/v1/endpoints/${owner}/rotate-secret`;
  return useMutation({
    mutationFn: (overlapS: number) => api.post<Secret>(path, { overlap_s: overlapS }),
    gcTime: 0,
  });
}

export function usePublicKey() {
  return useQuery({ queryKey: ["signing-key"], queryFn: readPublicKey, staleTime: Infinity });
}
