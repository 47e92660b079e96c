import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReplayAction, ReplayTargets } from "../../core/model.ts";
import { call } from "./client.ts";
import type { ReplayChoice, ReplaySending } from "./types.ts";

export interface ReplayOrder {
  action: ReplayAction;
  /** Deliveries unless told. */
  target?: ReplayTargets;
  filter: ReplayChoice;
  note?: string;
  sending?: ReplaySending;
}

/** How many the order would touch now. */
export function useReplayPreview({ action, target, filter }: ReplayOrder, enabled: boolean) {
  return useQuery({
    queryKey: ["replays", "preview", action, target, filter],
    queryFn: () => {
      if (action === "send_missed") return sendMissed(filter, true);
      const counted = {
        ...(action === "cancel" ? { action } : {}),
        ...(target === undefined ? {} : { target }),
      };
      return call("POST /v1/replays", { body: { filter, dry_run: true, ...counted } });
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
    mutationFn: ({ action, target, filter, note, sending }: ReplayOrder) =>
      action === "send_missed"
        ? sendMissed(filter, false)
        : call("POST /v1/replays", {
            body: {
              filter,
              action,
              ...(target === undefined ? {} : { target }),
              ...(note === undefined ? {} : { note }),
              ...sending,
            },
          }),
    onSuccess(replay) {
      client.setQueryData(["replays", replay.id], replay);
      return client.invalidateQueries({ queryKey: ["replays", "list"] });
    },
  });
}

function sendMissed({ endpoint_id }: ReplayChoice, dryRun: boolean) {
  const order = { id: endpoint_id!, body: { dry_run: dryRun } };
  return call("POST /v1/endpoints/{id}/send-missed", order);
}

export function useReplay(id: string | null) {
  return useQuery({
    queryKey: ["replays", id],
    queryFn: ({ signal }) => call("GET /v1/replays/{id}", { id: id!, signal }),
    enabled: id !== null,
    refetchInterval: ({ state }) => (state.data?.status === "running" ? 700 : false),
  });
}

/** The last ones, without those that only counted. */
export function useReplays() {
  return useQuery({
    queryKey: ["replays", "list"],
    queryFn: async ({ signal }) => {
      const { data } = await call("GET /v1/replays", { query: { limit: 50 }, signal });
      return data.filter(({ dry_run }) => !dry_run).slice(0, 8);
    },
    refetchInterval: ({ state }) =>
      state.data?.some(({ status }) => status === "running") ? 1_000 : false,
  });
}

export type ReplayChange = "cancel" | "pause" | "resume";

export function useChangeReplay() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, change }: { id: string; change: ReplayChange }) =>
      call(`POST /v1/replays/{id}/${change}`, { id }),
    onSuccess(replay) {
      client.setQueryData(["replays", replay.id], replay);
      return client.invalidateQueries({ queryKey: ["replays", "list"] });
    },
  });
}

/** What became of what it has sent again. */
export function useReplayReport(id: string) {
  return useQuery({
    queryKey: ["replays", id, "report"],
    queryFn: ({ signal }) => call("GET /v1/replays/{id}/report", { id, signal }),
    refetchInterval: 3_000,
  });
}
