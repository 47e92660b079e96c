import { Autocomplete, Group, Kbd, Text } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useEndpoints } from "../api/endpoints.ts";
import { useJobTypes } from "../api/jobs.ts";
import { matchCommands, useCommands } from "./commands.ts";
import { pageOf } from "./id.tsx";

export const SEARCH_ID = "search";

interface Hit {
  label: string;
  path: string;
}

/** One line of the list below the field. */
interface Option {
  value: string;
  label: string;
  group: string;
  keys?: readonly string[];
  run: () => void;
}

/**
 * Goes to a thing by its id, to a page, an endpoint, or a filtered list, and carries out commands.
 * With nothing typed it lists the commands.
 */
export function Search() {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const options = useOptions(text.trim());
  const byValue = new Map(options.map((option) => [option.value, option]));
  const groups = [...Map.groupBy(options, ({ group }) => group)];

  function choose(value: string): void {
    const option = byValue.get(value);
    if (option === undefined) return;
    input.current?.blur();
    // the component reports the chosen label as typed text after this
    queueMicrotask(() => setText(""));
    option.run();
  }

  return (
    <Autocomplete
      ref={input}
      id={SEARCH_ID}
      role="combobox"
      aria-label="Search"
      aria-keyshortcuts="/ Control+K Meta+K"
      placeholder="Id, endpoint, type, command…"
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
        items: items.map(({ value, label }) => ({ value, label })),
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
  const found = hits.map(({ label, path }): Option => ({
    value: path,
    label,
    group: "Results",
    run: () => void navigate(path),
  }));
  const matching = text === "" ? commands : matchCommands(commands, text);
  const known = matching.map(({ id, ...rest }): Option => ({ value: `command ${id}`, ...rest }));
  return [...known, ...found];
}

function useHits(text: string): Hit[] {
  const endpoints = useEndpoints({ limit: 200 });
  const types = useJobTypes();
  if (text === "") return [];
  const words = text.toLowerCase();
  const byId = pageOf(text);
  if (byId !== null) return [{ label: `Go to ${text}`, path: byId }];
  if (text.startsWith("msg_")) {
    return [{ label: `Deliveries of ${text}`, path: `/deliveries?message_id=${text}` }];
  }
  const jobTypes = (types.data ?? []).filter(({ name }) => name.includes(words));
  const found = (endpoints.data?.data ?? []).filter(({ url, description }) =>
    `${url} ${description}`.toLowerCase().includes(words),
  );
  return [
    ...found.slice(0, 6).map(({ id, url, description }) => ({
      label: `Endpoint ${description === "" ? url : `${description} (${url})`}`,
      path: `/endpoints/${id}`,
    })),
    ...jobTypes.map(({ name }) => ({ label: `Jobs of type ${name}`, path: `/jobs?type=${name}` })),
    {
      label: `Deliveries of event ${text}`,
      path: `/deliveries?event_type=${encodeURIComponent(text)}`,
    },
  ];
}
