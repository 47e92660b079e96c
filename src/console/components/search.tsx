import { Autocomplete, Group, Kbd, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useSearch } from "../api/search.ts";
import { useMay } from "../api/session.ts";
import type { SearchHit } from "../api/types.ts";
import { matchCommands, useCommands } from "./commands.ts";
import { pageOf } from "./id.tsx";

export const SEARCH_ID = "search";

/** A pause in typing after which the server is asked. */
const ASK_MS = 200;

interface Hit {
  label: string;
  /** Null: it says something, and leads nowhere. */
  path: string | null;
  group: string;
}

/** One line of the list below the field. */
interface Option {
  value: string;
  label: string;
  group: string;
  keys?: readonly string[];
  /** Absent: it says something, and leads nowhere. */
  run?: () => void;
}

/**
 * Goes to what the server finds by the text, to a page, or to the search in bodies, and carries out
 * commands. With nothing typed it lists the commands.
 */
export function Search() {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const options = useOptions(text.trim());
  const byValue = new Map(options.map((option) => [option.value, option]));
  const groups = [...Map.groupBy(options, ({ group }) => group)];

  function choose(value: string): void {
    const run = byValue.get(value)?.run;
    if (run === undefined) return;
    input.current?.blur();
    // the component reports the chosen label as typed text after this
    queueMicrotask(() => setText(""));
    run();
  }

  return (
    <Autocomplete
      ref={input}
      id={SEARCH_ID}
      role="combobox"
      aria-label="Search"
      aria-keyshortcuts="/ Control+K Meta+K"
      placeholder="Id, metadata, URL, command…"
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
      onFocus={({ currentTarget }) => currentTarget.select()}
      onOptionSubmit={choose}
      data={groups.map(([group, items]) => ({
        group,
        items: items.map(({ value, label, run }) => ({
          value,
          label,
          disabled: run === undefined,
        })),
      }))}
      filter={({ options: all }) => all}
      renderOption={({ option }) => <Line option={byValue.get(option.value)} />}
      maxDropdownHeight={420}
      selectFirstOptionOnChange
      selectFirstOptionOnDropdownOpen
      comboboxProps={{
        width: "min(420px, calc(100vw - 20px))",
        position: "bottom-start",
        withinPortal: false,
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape") input.current?.blur();
      }}
    />
  );
}

function Line({ option }: { option: Option | undefined }) {
  return (
    <Group justify="space-between" wrap="nowrap" gap="xs" w="100%">
      <Text size="sm" className="rb-truncate">
        {option?.label}
      </Text>
      {option?.keys && (
        <Group gap={4} wrap="nowrap" aria-hidden>
          {option.keys.map((key) => (
            <Kbd key={key} size="xs">
              {key}
            </Kbd>
          ))}
        </Group>
      )}
    </Group>
  );
}

function useOptions(text: string): Option[] {
  const navigate = useNavigate();
  const commands = useCommands();
  const hits = useHits(text);
  const found = hits.map(({ label, path, group }): Option => ({
    value: `${group} ${label}`,
    label,
    group,
    ...(path !== null && { run: () => void navigate(path) }),
  }));
  const matching = text === "" ? commands : matchCommands(commands, text);
  const known = matching.map(({ id, ...rest }): Option => ({ value: `command ${id}`, ...rest }));
  return [...new Map([...known, ...found].map((option) => [option.value, option])).values()];
}

function useHits(text: string): Hit[] {
  const [asked] = useDebouncedValue(text, ASK_MS);
  const { data, isFetching } = useSearch(asked);
  const mayReadBodies = useMay("webhooks");
  if (text === "") return [];
  const answered = data !== undefined && asked === text && !isFetching;
  const bodies = `/events?range=24h&text=${encodeURIComponent(text)}`;
  const byId = pageOf(text);
  const own = byId === null ? [] : [{ label: `Go to ${text}`, path: byId, group: "Id" }];
  return [
    ...own,
    ...(data?.hits ?? []).filter(({ by }) => by !== "id" || byId === null).flatMap(toHit),
    ...(answered && mayReadBodies && text.length >= 3
      ? [{ label: `Search in bodies for “${text}”…`, path: bodies, group: "More" }]
      : []),
    ...(answered && data.hits.length === 0
      ? [{ label: data.summary, path: null, group: "No match" }]
      : []),
  ];
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
