import { Button, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback, useDisclosure } from "@mantine/hooks";
import { IconFilter, IconFilterOff } from "@tabler/icons-react";
import { useEffect, useState, type ReactNode } from "react";
import { useEndpoints } from "../api/endpoints.ts";
import classes from "./filters.module.css";

interface FilterBarProps {
  children: ReactNode;
  filtered: boolean;
  onClear: () => void;
}

/** On a phone the filters open on demand. */
export function FilterBar({ children, filtered, onClear }: FilterBarProps) {
  const [opened, { toggle }] = useDisclosure(false);
  return (
    <div role="search" aria-label="Filters" className={classes.bar}>
      <Button
        className={classes.toggle}
        variant="default"
        leftSection={<IconFilter size={14} />}
        aria-expanded={opened}
        onClick={toggle}
      >
        Filters
      </Button>
      <div className={classes.filters} data-opened={opened || undefined}>
        {children}
      </div>
      {filtered && (
        <Button
          variant="subtle"
          color="gray"
          leftSection={<IconFilterOff size={14} />}
          onClick={onClear}
        >
          Clear
        </Button>
      )}
    </div>
  );
}

interface FilterProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | null) => void;
}

interface ChoiceProps extends FilterProps {
  choices: readonly (string | { value: string; label: string })[];
  width?: number;
  /** One is always chosen. */
  required?: boolean;
}

export function Choice({
  label,
  value,
  onChange,
  choices,
  width = 150,
  required = false,
}: ChoiceProps) {
  return (
    <Select
      size="xs"
      w={width}
      aria-label={label}
      placeholder={label}
      data={[...choices]}
      value={value ?? null}
      onChange={onChange}
      allowDeselect={!required}
      clearable={value !== undefined && !required}
      clearButtonProps={{
        "aria-label": `Any ${label.toLowerCase()}`,
        "aria-hidden": false,
        tabIndex: 0,
      }}
      searchable={choices.length > 10}
      comboboxProps={{ width: "max-content", position: "bottom-start" }}
    />
  );
}

export function TextFilter({ label, value, onChange }: FilterProps) {
  const [text, setText] = useState(value ?? "");
  const report = useDebouncedCallback((next: string) => onChange(next || null), 350);
  useEffect(() => setText(value ?? ""), [value]);
  return (
    <TextInput
      size="xs"
      w={140}
      aria-label={label}
      placeholder={label}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value);
        report(currentTarget.value.trim());
      }}
    />
  );
}

/** Endpoints by their names. */
export function useEndpointChoices(): { value: string; label: string }[] {
  const endpoints = useEndpoints({ limit: 200, sort: "name" });
  return (endpoints.data?.data ?? []).map(({ id, url, description }) => ({
    value: id,
    label: description === "" ? url : description,
  }));
}

export function EndpointFilter(props: Omit<FilterProps, "label">) {
  const choices = useEndpointChoices();
  const known = choices.some(({ value }) => value === props.value);
  const own =
    props.value !== undefined && !known ? [{ value: props.value, label: props.value }] : [];
  return <Choice label="Endpoint" width={165} choices={[...own, ...choices]} {...props} />;
}
