import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client.ts";
import type { Page, Replay, ReplayFilter } from "./types.ts";

export type ReplayAction = Replay["action"];

export interface ReplayOrder {
  action: ReplayAction;
  filter: ReplayFilter;
  note?: string;
}

/** How many the order would touch now. */
export function useReplayPreview({ action, filter }: ReplayOrder, enabled: boolean) {
  return useQuery({
    queryKey: ["replays", "preview", action, filter],
    queryFn: () => {
      const counted = action === "cancel" ? { action } : {};
      return api.post<Replay>("/v1/replays", { filter, dry_run: true, ...counted });
    },
    enabled,
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

export function useStartReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ action, filter, note }: ReplayOrder) =>
      api.post<Replay>("/v1/replays", { filter, action, ...(note === undefined ? {} : { note }) }),
    onSuccess(replay) {
      client.setQueryData(["replays", replay.id], replay);
      return client.invalidateQueries({ queryKey: ["replays", "list"] });
    },
  });
}

export function useReplay(id: string | null) {
  return useQuery({
    queryKey: ["replays", id],
    queryFn: ({ signal }) => api.get<Replay>(`/v1/replays/${id}`, undefined, signal),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data?.status === "running" ? 700 : false),
  });
}

/** The last ones, without those that only counted. */
export function useReplays() {
  return useQuery({
    queryKey: ["replays", "list"],
    queryFn: async ({ signal }) => {
      const { data } = await api.get<Page<Replay>>("/v1/replays", { limit: 50 }, signal);
      return data.filter(({ dry_run }) => !dry_run).slice(0, 8);
    },
    refetchInterval: ({ state }) =>
      state.data?.some(({ status }) => status === "running") ? 1_000 : false,
  });
}

export function useCancelReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => api.post<Replay>(`/v1/replays/${id}/cancel`),
    onSuccess(replay) {
      client.setQueryData(["replays", replay.id], replay);
      return client.invalidateQueries({ queryKey: ["replays", "list"] });
    },
  });
}
