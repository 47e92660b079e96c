import { useCallback } from "react";
import { useLocation, useNavigate, useSearchParams } from "react-router";

export interface Cursor {
  value: string | null;
  canGoBack: boolean;
  first: () => void;
  back: () => void;
  forward: (cursor: string) => void;
}

export interface View<Name extends string> {
  values: Partial<Record<Name, string>>;
  /** Null or empty takes a value away. Begins at the first page again. */
  set: (changes: Partial<Record<Name, string | null>>) => void;
  clear: () => void;
  filtered: boolean;
  cursor: Cursor;
}

interface PagesState {
  /** The cursors of the pages before this one; the first page's is the empty text. */
  before?: string[];
}

/**
 * What a list shows, kept in the URL: filters and the cursor of its page. The way back lies in the
 * history's state, since cursors lead one way only; a shared link has "Newest" instead.
 */
export function useView<Name extends string>(names: readonly Name[]): View<Name> {
  const [params, setParams] = useSearchParams();
  const navigate = useNavigate();
  const location = useLocation();
  const { before = [] } = (location.state ?? {}) as PagesState;
  const value = params.get("cursor");

  const values = Object.fromEntries(
    names.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])),
  ) as Partial<Record<Name, string>>;

  const set = useCallback(
    (changes: Partial<Record<string, string | null>>) => {
      setParams((old) => {
        const next = new URLSearchParams(old);
        next.delete("cursor");
        for (const [name, text] of Object.entries(changes)) {
          if (text) next.set(name, text);
          else next.delete(name);
        }
        return next;
      });
    },
    [setParams],
  );

  const show = (cursor: string, trail: string[]): void => {
    const next = new URLSearchParams(params);
    if (cursor === "") next.delete("cursor");
    else next.set("cursor", cursor);
    void navigate({ search: next.toString() }, { state: { before: trail } satisfies PagesState });
    window.scrollTo({ top: 0 });
  };

  return {
    values,
    set,
    clear: () => set(Object.fromEntries(names.map((name) => [name, null]))),
    filtered: Object.keys(values).length > 0,
    cursor: {
      value,
      canGoBack: before.length > 0,
      first: () => show("", []),
      back: () => show(before.at(-1) ?? "", before.slice(0, -1)),
      forward: (cursor) => show(cursor, [...before, value ?? ""]),
    },
  };
}
