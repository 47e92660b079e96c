import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client.ts";
import type { Secret, SigningKeys } from "./types.ts";

/** Whose secret: an endpoint's, or (null) the account's, which signs for callback URLs. */
export type SecretOwner = string | null;

export async function readSecret(owner: SecretOwner): Promise<Secret> {
  return await api.get<Secret>(
    owner === null ? "/v1/signing-secret" : `/v1/endpoints/${owner}/secret`,
  );
}

export async function readSigningKeys(): Promise<SigningKeys> {
  return await api.get<SigningKeys>("/v1/signing-key");
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
