import { Autocomplete, Kbd } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useEndpoints } from "../api/endpoints.ts";
import { useJobTypes } from "../api/jobs.ts";
import { pageOf } from "./id.tsx";
import { NAVIGATION } from "./navigation.ts";

export const SEARCH_ID = "search";

interface Hit {
  label: string;
  path: string;
}

/** Goes to a thing by its id, to a page, an endpoint, or a filtered list. */
export function Search() {
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState("");
  const hits = useHits(text.trim());
  const data = [...new Set(hits.map(({ label }) => label))];

  function go(label: string | undefined): void {
    const hit = hits.find((one) => one.label === label) ?? hits[0];
    if (hit === undefined) return;
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
      placeholder="Id, endpoint, type…"
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
      data={data}
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
  const endpoints = useEndpoints({ limit: 200 });
  const types = useJobTypes();
  if (text === "") return [];
  const words = text.toLowerCase();
  const byId = pageOf(text);
  if (byId !== null) return [{ label: `Go to ${text}`, path: byId }];
  if (text.startsWith("msg_")) {
    return [{ label: `Deliveries of ${text}`, path: `/deliveries?message_id=${text}` }];
  }
  const pages = NAVIGATION.filter(({ label }) => label.toLowerCase().includes(words));
  const jobTypes = (types.data ?? []).filter(({ name }) => name.includes(words));
  const found = (endpoints.data?.data ?? []).filter(({ url, description }) =>
    `${url} ${description}`.toLowerCase().includes(words),
  );
  return [
    ...pages.map(({ label, path }) => ({ label, path })),
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
