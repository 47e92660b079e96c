import { queryOptions, useSuspenseQuery, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Permission } from "../../core/portal.ts";
import { call, RingbackError } from "../api/client.ts";
import { sessionQuery } from "../api/session.ts";
import type { PortalSession } from "../api/types.ts";
import { dropToken } from "./token.ts";

/** Null: the link has ended. */
export const portalQuery = queryOptions({
  queryKey: ["portal"],
  staleTime: Infinity,
  gcTime: Infinity,
  async queryFn({ client }): Promise<PortalSession | null> {
    try {
      const session = await call("GET /v1/portal-session");
      client.setQueryData(sessionQuery.queryKey, AS_SIGNED_IN);
      return session;
    } catch (error) {
      if (error instanceof RingbackError && error.status === 401) return null;
      throw error;
    }
  },
});

/** What components of the console ask for; the server holds a partner to its permissions. */
const AS_SIGNED_IN = {
  account: { id: "", name: "" },
  key: { id: "", name: "", scopes: ["webhooks" as const] },
  csrf_token: "",
};

export function endSession(client: QueryClient): void {
  dropToken();
  client.setQueryData(portalQuery.queryKey, null);
}

export function usePortalSession(): PortalSession {
  const { data } = useSuspenseQuery(portalQuery);
  if (data === null) throw new Error("the link has ended");
  return data;
}

export function useCan(permission: Permission): boolean {
  return usePortalSession().can.includes(permission);
}

const REFRESH_MS = 10_000;

/** Looks again every few seconds while somebody sees the page. */
export function useFreshness(client: QueryClient): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.hidden) return;
      for (const family of ["deliveries", "endpoints"]) {
        void client.invalidateQueries({ queryKey: [family] });
      }
    }, REFRESH_MS);
    return () => clearInterval(timer);
  }, [client]);
}
