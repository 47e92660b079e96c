import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Account, AccountChanges, ApiKeyInput } from "../../client/openapi-types.ts";
import { call, type Query } from "./client.ts";

const DELETING_MS = 2_000;

export function useAccounts(query: Query) {
  return useQuery({
    queryKey: ["accounts", query],
    queryFn: ({ signal }) => call("GET /v1/accounts", { query, signal }),
    placeholderData: keepPreviousData,
    // the rows that are deleted are counted while one looks
    refetchInterval: ({ state }) =>
      state.data?.data.some((one) => one.state === "deleting") === true && DELETING_MS,
  });
}

export function useCreateAccount() {
  return useChange((name: string) => call("POST /v1/accounts", { body: { name } }));
}

export function useChangeAccount() {
  return useChange(({ id, ...body }: AccountChanges & Pick<Account, "id">) =>
    call("PATCH /v1/accounts/{id}", { id, body }),
  );
}

export function useDeleteAccount() {
  return useChange((id: string) => call("DELETE /v1/accounts/{id}", { id }));
}

export function useCreateAccountKey() {
  return useMutation({
    mutationFn: ({ id, ...body }: ApiKeyInput & Pick<Account, "id">) =>
      call("POST /v1/accounts/{id}/api-keys", { id, body }),
    gcTime: 0,
  });
}

function useChange<Input, Answer>(change: (input: Input) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () => client.invalidateQueries({ queryKey: ["accounts"] }),
  });
}
