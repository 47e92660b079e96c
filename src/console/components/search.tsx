import { Autocomplete, Kbd } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useSearch } from "../api/search.ts";
import { useMay } from "../api/session.ts";
import type { SearchHit } from "../api/types.ts";
import { pageOf } from "./id.tsx";
import { NAVIGATION } from "./navigation.ts";

export const SEARCH_ID = "search";

/** A pause in typing after which the server is asked. */
const ASK_MS = 200;

interface Hit {
  label: string;
  /** Null: it says something, and leads nowhere. */
  path: string | null;
  group: string;
}

/** Goes to what the server finds by the text, to a page, or to the search in bodies. */
export function Search() {
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const hits = useHits(text.trim());
  const groups = [...Map.groupBy(hits, ({ group }) => group)].map(([group, some]) => ({
    group,
    items: some.map(({ label }) => label),
  }));

  function go(label: string | undefined): void {
    const hit = hits.find((one) => one.label === label) ?? hits[0];
    if (!hit?.path) return;
    setText("");
    input.current?.blur();
    void navigate(hit.path);
  }

  return (
    <Autocomplete
      ref={input}
      id={SEARCH_ID}
      role="combobox"
      aria-label="Search"
      aria-keyshortcuts="/"
      placeholder="Id, metadata, URL, name…"
      size="xs"
      flex={1}
      maw={340}
      miw={0}
      leftSection={<IconSearch size={14} />}
      rightSection={
        text === "" ? (
          <Kbd size="xs" visibleFrom="sm">
            /
          </Kbd>
        ) : null
      }
      rightSectionPointerEvents="none"
      value={text}
      onChange={setText}
      onOptionSubmit={go}
      data={groups}
      filter={({ options }) => options}
      maxDropdownHeight={320}
      selectFirstOptionOnChange
      comboboxProps={{ width: 420, position: "bottom-start" }}
      onKeyDown={(event) => {
        if (event.key === "Escape") input.current?.blur();
      }}
    />
  );
}

function useHits(text: string): Hit[] {
  const [asked] = useDebouncedValue(text, ASK_MS);
  const { data, isFetching } = useSearch(asked);
  const mayReadBodies = useMay("webhooks");
  if (text === "") return [];
  const words = text.toLowerCase();
  const pages = NAVIGATION.filter(({ label }) => label.toLowerCase().includes(words));
  const answered = data !== undefined && asked === text && !isFetching;
  const bodies = `/events?range=24h&text=${encodeURIComponent(text)}`;
  const byId = pageOf(text);
  const own = byId === null ? [] : [{ label: `Go to ${text}`, path: byId, group: "Id" }];
  const hits: Hit[] = [
    ...own,
    ...pages.map(({ label, path }) => ({ label, path, group: "Pages" })),
    ...(data?.hits ?? []).filter(({ by }) => by !== "id" || byId === null).flatMap(toHit),
    ...(answered && mayReadBodies && text.length >= 3
      ? [{ label: `Search in bodies for “${text}”…`, path: bodies, group: "More" }]
      : []),
    ...(answered && data.hits.length === 0
      ? [{ label: data.summary, path: null, group: "No match" }]
      : []),
  ];
  // the field knows its options by their labels
  return [...new Map(hits.map((hit) => [hit.label, hit])).values()];
}

const GROUPS: Record<SearchHit["kind"], string> = {
  job: "Jobs",
  message: "Events",
  delivery: "Deliveries",
  endpoint: "Endpoints",
  replay: "Replays",
  api_key: "API keys",
  event_type: "Event types",
  job_type: "Job types",
};

function toHit({ kind, id, by, label }: SearchHit): Hit[] {
  const group = GROUPS[kind];
  if (kind === "event_type") {
    const type = encodeURIComponent(id);
    return [
      { label: `Events of type ${id}`, path: `/events?type=${type}`, group },
      { label: `Deliveries of event ${id}`, path: `/deliveries?event_type=${type}`, group },
    ];
  }
  if (kind === "job_type") {
    return [{ label: `Jobs of type ${id}`, path: `/jobs?type=${encodeURIComponent(id)}`, group }];
  }
  const path = { replay: "/dead-letters", api_key: "/settings" }[kind as string] ?? pageOf(id);
  const how = by === "id" || by === "endpoint" ? "" : `, by ${by.replaceAll("_", " ")}`;
  const end = kind === "endpoint" ? "" : ` …${id.slice(-6)}`;
  return [{ label: `${label}${end}${how}`, path, group }];
}
