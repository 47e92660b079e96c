import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { JsonText } from "../../client/json-text.ts";
import { memberTexts } from "../../core/json-text.ts";
import { api, type Query } from "./client.ts";
import { useMay } from "./session.ts";
import type { Callback, Delivery, Job, JobType, Page, TimelineEntry } from "./types.ts";

export interface NewJob {
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
    queryFn: ({ signal }) => api.get<Page<Job>>("/v1/jobs", filter(), signal),
    placeholderData: keepPreviousData,
  });
}

export function useJob(id: string | null) {
  return useQuery({
    queryKey: ["jobs", id],
    queryFn: async ({ signal }): Promise<PostedJob> => {
      const text = await api.getText(`/v1/jobs/${id}`, signal);
      const { input = "null", metadata = "{}" } = Object.fromEntries(memberTexts(text));
      return { ...(JSON.parse(text) as Job), posted: { input, metadata } };
    },
    enabled: id !== null,
  });
}

export function useTimeline(id: string) {
  return useQuery({
    queryKey: ["jobs", id, "timeline"],
    queryFn: ({ signal }) =>
      api.get<{ data: TimelineEntry[] }>(`/v1/jobs/${id}/timeline`, undefined, signal),
  });
}

export function useJobResult(id: string, enabled: boolean) {
  return useQuery({
    queryKey: ["jobs", id, "result"],
    queryFn: ({ signal }) => api.getText(`/v1/jobs/${id}/result`, signal),
    enabled,
    staleTime: Infinity,
  });
}

export function useJobDeliveries(id: string) {
  return useQuery({
    queryKey: ["jobs", id, "deliveries"],
    queryFn: ({ signal }) =>
      api.get<Page<Delivery>>(`/v1/jobs/${id}/deliveries`, { limit: 50 }, signal),
  });
}

export function useJobTypes() {
  const enabled = useMay("jobs");
  return useQuery({
    enabled,
    queryKey: ["job-types"],
    queryFn: async ({ signal }) =>
      (await api.get<Page<JobType>>("/v1/job-types", undefined, signal)).data,
    staleTime: 300_000,
  });
}

export function useSubmitJob() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ job, idempotencyKey }: { job: NewJob; idempotencyKey: string }) =>
      api.post<Job>("/v1/jobs", job, { "idempotency-key": JSON.stringify(idempotencyKey) }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs", "list"] }),
  });
}

export function useCancelJob(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => api.post<Job>(`/v1/jobs/${id}/cancel`),
    onSuccess: () => client.invalidateQueries({ queryKey: ["jobs"] }),
  });
}
