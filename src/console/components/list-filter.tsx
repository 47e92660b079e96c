import { Button, Checkbox, Popover, SegmentedControl, Stack, Text, TextInput } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import classes from "./filters.module.css";

/** As many as the API takes. */
const MAX_VALUES = 20;
/** Beyond this many choices one can look for some. */
const MANY = 8;

type Choice = string | { value: string; label: string };

interface ListFilterProps {
  label: string;
  /** Comma-separated, as in the page's address. */
  value: string | undefined;
  /** Those that are excluded. */
  not?: string | undefined;
  choices: readonly Choice[];
  /** A choice that goes with no other. */
  alone?: string;
  /** Whether "none of them" can be asked for. */
  withNot?: boolean;
  /** Whether other values than the choices may be typed. */
  free?: boolean;
  onChange: (value: string | null, not: string | null) => void;
}

const split = (text: string | undefined): string[] => text?.split(",").filter(Boolean) ?? [];

/** A filter by several values, or by none of them. */
export function ListFilter(props: ListFilterProps) {
  const { label, value, not, choices, alone, withNot = false, free = false, onChange } = props;
  const [opened, setOpened] = useState(false);
  const [excluding, setExcluding] = useState(not !== undefined);
  const [text, setText] = useState("");
  const isNot = value === undefined && (not !== undefined || excluding);
  const chosen = split(isNot ? not : value);
  const known = choices.map((one) => (typeof one === "string" ? { value: one, label: one } : one));
  const own = chosen
    .filter((one) => !known.some((other) => other.value === one))
    .map((one) => ({ value: one, label: one }));
  const all = [...own, ...known];
  const shown = all.filter((one) => one.label.toLowerCase().includes(text.toLowerCase()));

  function report(next: string[], excluded: boolean): void {
    const rest = next.filter((one) => one !== alone);
    const added = rest.length < next.length && !chosen.includes(alone!);
    const kept =
      !excluded && (added || rest.length === 0) ? next.filter((one) => one === alone) : rest;
    const joined = kept.slice(0, MAX_VALUES).join(",") || null;
    onChange(excluded ? null : joined, excluded ? joined : null);
  }

  function add(): void {
    const typed = text.trim();
    if (typed === "") return;
    const [found] = free && !all.some((one) => one.value === typed) ? [] : shown;
    const next = found?.value ?? (free ? typed : null);
    if (next === null) return;
    setText("");
    report([...new Set([...chosen, next])], isNot);
  }

  const labels = chosen.map((one) => all.find((other) => other.value === one)?.label ?? one);
  const more = labels.slice(1);
  const summary = `${isNot ? "not " : ""}${labels[0]}${more.length > 0 ? ` +${more.length}` : ""}`;
  const shownText = chosen.length === 0 ? label : summary;
  return (
    <Popover
      opened={opened}
      onChange={setOpened}
      trapFocus
      position="bottom-start"
      withinPortal={false}
    >
      <Popover.Target>
        <Button
          variant="default"
          fw={400}
          className={classes.choices}
          data-chosen={chosen.length > 0 || undefined}
          rightSection={<IconChevronDown size={12} />}
          aria-label={
            chosen.length === 0
              ? label
              : `${label}: ${summary}${more.length > 0 ? ` (${more.join(", ")})` : ""}`
          }
          onClick={() => setOpened(!opened)}
        >
          {shownText}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        <Stack gap="xs" w={230}>
          {withNot && (
            <SegmentedControl
              size="xs"
              fullWidth
              aria-label={`${label} is or is not`}
              value={isNot ? "not" : "is"}
              data={[
                { value: "is", label: "is one of" },
                { value: "not", label: "is none of" },
              ]}
              onChange={(next) => {
                setExcluding(next === "not");
                if (chosen.length > 0) report(chosen, next === "not");
              }}
            />
          )}
          {(free || known.length > MANY) && (
            <TextInput
              size="xs"
              aria-label={`Find ${label.toLowerCase()}`}
              placeholder={free ? "Find or type one" : "Find"}
              value={text}
              onChange={({ currentTarget }) => setText(currentTarget.value)}
              onKeyDown={({ key }) => key === "Enter" && add()}
            />
          )}
          <Checkbox.Group
            aria-label={label}
            value={chosen}
            onChange={(next) => report(next, isNot)}
            maxSelectedValues={MAX_VALUES}
          >
            <div className={classes.list}>
              {shown.map((one) => (
                <Checkbox key={one.value} size="xs" value={one.value} label={one.label} />
              ))}
            </div>
          </Checkbox.Group>
          {shown.length === 0 && (
            <Text size="xs" c="dimmed">
              {free ? "Press Enter to filter by it." : "There is none."}
            </Text>
          )}
          {chosen.length > 0 && (
            <Button variant="subtle" color="gray" onClick={() => onChange(null, null)}>
              Any {label.toLowerCase()}
            </Button>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
