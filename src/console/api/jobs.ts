import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JsonText } from "../../client/json-text.ts";
import { memberTexts } from "../../core/json-text.ts";
import { call, callForText, type Query } from "./client.ts";
import { useMay } from "./session.ts";
import type { JobInput } from "../../client/openapi-types.ts";
import type { Callback, Job } from "./types.ts";

export interface JobDraft {
  type: string;
  input: unknown;
  callbacks: Callback[];
  metadata?: JsonText;
  timeout_s?: number;
}

/** A job, and as JSON texts what was posted for it. */
export interface PostedJob extends Job {
  posted: { input: string; metadata: string };
}

export function useJobs(filter: () => Query, key: Query) {
  return useQuery({
    queryKey: ["jobs", "list", key],
    queryFn: ({ signal }) => call("GET /v1/jobs", { query: filter(), signal }),
    placeholderData: keepPreviousData,
  });
}

export function useJob(id: string | null) {
  return useQuery({
    queryKey: ["jobs", id],
    queryFn: async ({ signal }): Promise<PostedJob> => {
      const text = await callForText("GET /v1/jobs/{id}", { id: id!, signal });
      const { input = "null", metadata = "{}" } = Object.fromEntries(memberTexts(text));
      return { ...(JSON.parse(text) as Job), posted: { input, metadata } };
    },
    enabled: id !== null,
    // no event tells that its turn comes nearer
    refetchInterval: ({ state }) => (state.data?.status === "pending" ? 5_000 : false),
  });
}

export function useTimeline(id: string) {
  return useQuery({
    queryKey: ["jobs", id, "timeline"],
    queryFn: ({ signal }) => call("GET /v1/jobs/{id}/timeline", { id, signal }),
  });
}

export function useJobResult(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["jobs", id, "result"],
    queryFn: ({ signal }) => callForText("GET /v1/jobs/{id}/result", { id, signal }),
    enabled,
    staleTime: Infinity,
  });
}

export function useJobDeliveries(id: string) {
  return useQuery({
    queryKey: ["jobs", id, "deliveries"],
    queryFn: ({ signal }) =>
      call("GET /v1/jobs/{id}/deliveries", { id, query: { limit: 50 }, signal }),
  });
}

export function useJobTypes() {
  const enabled = useMay("jobs:read");
  return useQuery({
    enabled,
    queryKey: ["job-types"],
    queryFn: async ({ signal }) => (await call("GET /v1/job-types", { signal })).data,
    staleTime: 300_000,
  });
}

export function useSubmitJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ job, idempotencyKey }: { job: JobDraft; idempotencyKey: string }) =>
      // texts go into the body as they are
      call("POST /v1/jobs", { body: job as JobInput, idempotencyKey }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs", "list"] }),
  });
}

/** Failed jobs by type and error, without those retried. */
export function useFailedJobGroups() {
  return useQuery({
    queryKey: ["jobs", "failures"],
    queryFn: ({ signal }) => call("GET /v1/failed-jobs/groups", { signal }),
  });
}

export function useRetryJob(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call("POST /v1/jobs/{id}/retry", { id }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}

export function useCancelJob(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => call("POST /v1/jobs/{id}/cancel", { id }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
