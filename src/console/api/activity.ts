import type { QueryClient, QueryKey } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { ACTIVITY_TYPES } from "../../core/activity.ts";

export type LiveState = "connecting" | "live" | "offline";

interface ActivityEntry {
  type: string;
  job_id?: string | null;
  delivery_id?: string | null;
}

/** Pages of one thing follow at once; lists and sums, at most this often. */
const DETAIL_MS = 300;
const LIST_MS = 1_000;
const SUM_MS = 3_000;
const RECONNECT_MS = { first: 1_000, last: 15_000 };

/** The queries that an entry makes stale, and for how long each may wait. */
function staleAfter({ type, job_id, delivery_id }: ActivityEntry): [QueryKey, number][] {
  const [family] = type.split(".");
  const stale: [QueryKey, number][] = [];
  if (job_id) stale.push([["jobs", job_id], DETAIL_MS]);
  if (delivery_id) stale.push([["deliveries", delivery_id], DETAIL_MS]);
  if (type === "job.progress") return [...stale, [["jobs", "list"], LIST_MS]];
  if (family === "job") stale.push([["jobs", "list"], LIST_MS]);
  if (family === "delivery" || family === "message") {
    stale.push([["deliveries", "list"], LIST_MS], [["messages", "list"], LIST_MS]);
    stale.push([["messages", "now"], LIST_MS]);
  }
  if (["delivery.dead", "delivery.replayed", "replay.progress"].includes(type)) {
    stale.push([["dead-letters"], LIST_MS]);
  }
  if (family === "endpoint" || family === "lane") {
    stale.push([["endpoints"], LIST_MS], [["lanes"], LIST_MS], [["deliveries", "list"], LIST_MS]);
  }
  if (family === "replay") stale.push([["replays", "list"], LIST_MS], [["endpoints"], LIST_MS]);
  return [...stale, [["overview"], SUM_MS], [["stats"], SUM_MS]];
}

let state: LiveState = "connecting";
const listeners = new Set<() => void>();

function setState(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const listener of listeners) listener();
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Keeps what is shown up to date by the stream of activity. Returns how to end it. */
export function followActivity(client: QueryClient): () => void {
  const planned = new Map<string, number>();
  let source: EventSource | null = null;
  let retryMs = RECONNECT_MS.first;
  let retryTimer: number | undefined;

  function plan(key: QueryKey, waitMs: number): void {
    const name = JSON.stringify(key);
    if (planned.has(name)) return;
    const timer = window.setTimeout(() => {
      planned.delete(name);
      // what is being fetched may have been read before this entry
      if (client.isFetching({ queryKey: key }) > 0) return plan(key, waitMs);
      const refetchType = document.visibilityState === "visible" ? "active" : "none";
      void client.invalidateQueries({ queryKey: key, refetchType });
    }, waitMs);
    planned.set(name, timer);
  }

  function everything(): void {
    // a search in bodies is of the past, and costly
    const not = new Set<unknown>(["session", "body-search"]);
    void client.invalidateQueries({ predicate: ({ queryKey }) => !not.has(queryKey[0]) });
  }

  function connect(): void {
    source = new EventSource("/v1/activity");
    source.addEventListener("open", () => {
      setState("live");
      retryMs = RECONNECT_MS.first;
      // what happened between the first look and now was told to nobody
      everything();
    });
    source.addEventListener("error", () => {
      setState("offline");
      // while it is not closed, the browser tries again by itself
      if (source?.readyState !== EventSource.CLOSED) return;
      retryTimer = window.setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, RECONNECT_MS.last);
    });
    source.addEventListener("reset", everything);
    for (const type of ACTIVITY_TYPES) {
      source.addEventListener(type, (event: MessageEvent<string>) => {
        const data = JSON.parse(event.data) as ActivityEntry;
        for (const [key, waitMs] of staleAfter({ ...data, type })) plan(key, waitMs);
      });
    }
  }

  connect();
  return () => {
    source?.close();
    window.clearTimeout(retryTimer);
    for (const timer of planned.values()) window.clearTimeout(timer);
    setState("connecting");
  };
}
