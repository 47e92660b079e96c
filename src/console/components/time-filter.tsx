import { Button, Group, Popover, SegmentedControl, Stack, Text } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import "@mantine/dates/styles.css";
import { IconCalendar } from "@tabler/icons-react";
import dayjs from "dayjs";
import { useState } from "react";
import type { Query } from "../api/client.ts";

export interface TimeRange {
  /** Up to now: `15m`, `1h`, `24h`, `7d`. */
  range?: string;
  since?: string;
  until?: string;
}

const MINUTES: Record<string, number> = { "15m": 15, "1h": 60, "24h": 1_440, "7d": 10_080 };
const NO_RANGE = { range: null, since: null, until: null };

/** The range as the API takes it; relative ones count from the moment of the request. */
export function timeQuery({ range, since, until }: TimeRange): Query {
  const minutes = MINUTES[range ?? ""];
  if (minutes === undefined) return { since, until };
  return { since: new Date(Date.now() - minutes * 60_000).toISOString() };
}

interface TimeFilterProps {
  value: TimeRange;
  onChange: (changes: Record<keyof TimeRange, string | null>) => void;
}

export function TimeFilter({ value, onChange }: TimeFilterProps) {
  const [opened, setOpened] = useState(false);
  const custom = value.since !== undefined || value.until !== undefined;
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus position="bottom-start" withArrow>
      <Popover.Target>
        <Button
          variant="default"
          fw={400}
          leftSection={<IconCalendar size={14} />}
          onClick={() => setOpened(!opened)}
        >
          {custom ? describe(value) : value.range ? `Last ${value.range}` : "Any time"}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Time">
        <Stack gap="sm" w={270}>
          <SegmentedControl
            size="xs"
            aria-label="Up to now"
            value={custom ? "custom" : (value.range ?? "")}
            onChange={(range) => onChange({ ...NO_RANGE, range: range || null })}
            data={[{ value: "", label: "Any" }, ...Object.keys(MINUTES)]}
          />
          <Text size="xs" c="dimmed">
            Or between two moments (your local time):
          </Text>
          <Moment
            label="From"
            value={value.since}
            onChange={(since) => onChange({ range: null, since, until: value.until ?? null })}
          />
          <Moment
            label="Until"
            value={value.until}
            onChange={(until) => onChange({ range: null, since: value.since ?? null, until })}
          />
          <Group justify="flex-end">
            <Button onClick={() => setOpened(false)}>Done</Button>
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

interface MomentProps {
  label: string;
  value: string | undefined;
  onChange: (value: string | null) => void;
}

export function Moment({ label, value, onChange }: MomentProps) {
  return (
    <DateTimePicker
      size="xs"
      label={label}
      clearable
      withSeconds
      valueFormat="YYYY-MM-DD HH:mm:ss"
      value={value === undefined ? null : dayjs(value).format("YYYY-MM-DD HH:mm:ss")}
      onChange={(text) => onChange(text === null ? null : dayjs(text).toISOString())}
      popoverProps={{ withinPortal: false }}
    />
  );
}

function describe({ since, until }: TimeRange): string {
  const text = (at: string): string => dayjs(at).format("D MMM HH:mm");
  if (since === undefined) return `Until ${text(until!)}`;
  return until === undefined ? `Since ${text(since)}` : `${text(since)} – ${text(until)}`;
}
