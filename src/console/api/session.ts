import {
  queryOptions,
  useMutation,
  useQueryClient,
  useSuspenseQuery,
  type QueryClient,
} from "@tanstack/react-query";
import { callSession, RingbackError, setCsrfToken } from "./client.ts";
import type { Scope } from "../../core/model.ts";
import { grants } from "../../core/scopes.ts";
import type { Session } from "./types.ts";

/** The cookie can't be seen by scripts; this tells whether asking for the session is worth it. */
const HINT = "ringback-signed-in";

/** Null: nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  staleTime: Infinity,
  gcTime: Infinity,
  async queryFn(): Promise<Session | null> {
    if (localStorage.getItem(HINT) === null) return null;
    try {
      return remember(await callSession<Session>("GET"));
    } catch (error) {
      if (error instanceof RingbackError && error.status === 401) return remember(null);
      throw error;
    }
  },
});

function remember<T extends Session | null>(session: T): T {
  setCsrfToken(session?.csrf_token ?? null);
  if (session === null) localStorage.removeItem(HINT);
  else localStorage.setItem(HINT, "yes");
  return session;
}

/** Forgets the session, as the server says that it is over. */
export function forget(client: QueryClient): void {
  remember(null);
  client.setQueryData(sessionQuery.queryKey, null);
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
}

export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery);
  if (data === null) throw new Error("nobody is signed in");
  return data;
}

/** Whether the key of this session may do what needs the scope. */
export function useMay(scope: Scope): boolean {
  return grants(useSession().key.scopes, [scope]);
}

export function useSignIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (apiKey: string) => callSession<Session>("POST", { api_key: apiKey }),
    onSuccess: (session) => client.setQueryData(sessionQuery.queryKey, remember(session)),
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => callSession("DELETE"),
    onSuccess: () => forget(client),
  });
}
