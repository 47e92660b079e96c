import { Button, Checkbox, Group, NumberInput, Stack } from "@mantine/core";
import { useState } from "react";
import type { ReplaySending } from "../api/types.ts";
import { Moment } from "./time-filter.tsx";

interface Props {
  value: ReplaySending;
  onChange: (value: ReplaySending) => void;
}

const CANARY = { count: 10, max_failed_percent: 20 };

/** Pace, canary, order and start of a replay; folded away, as most are sent at once. */
export function ReplaySendingInputs({ value, onChange }: Props) {
  const [opened, setOpened] = useState(false);
  if (!opened) {
    return (
      <Button variant="subtle" onClick={() => setOpened(true)} style={{ alignSelf: "flex-start" }}>
        Pace, canary and start…
      </Button>
    );
  }
  const { pace, canary, order, start_at } = value;
  const set = (changes: {
    [Name in keyof ReplaySending]?: ReplaySending[Name] | undefined;
  }): void => {
    const all = Object.entries({ ...value, ...changes });
    onChange(Object.fromEntries(all.filter(([, one]) => one !== undefined)));
  };
  const setPace = (perS: string | number, rampS: string | number): void => {
    const wanted = perS === "" ? undefined : { per_s: Number(perS), ramp_s: Number(rampS) };
    set({ pace: wanted });
  };
  return (
    <Stack gap="xs">
      <Group grow>
        <NumberInput
          size="xs"
          label="At most per second"
          placeholder="no limit"
          min={0.01}
          max={10_000}
          value={pace?.per_s ?? ""}
          onChange={(perS) => setPace(perS, pace?.ramp_s ?? 0)}
        />
        <NumberInput
          size="xs"
          label="Rising for (s)"
          min={0}
          max={86_400}
          disabled={pace === undefined}
          value={pace?.ramp_s ?? 0}
          onChange={(rampS) => setPace(pace?.per_s ?? "", rampS)}
        />
      </Group>
      <Checkbox
        size="xs"
        label="Send a few first, and stop when too many fail again"
        checked={canary !== undefined}
        onChange={({ currentTarget }) =>
          set({ canary: currentTarget.checked ? CANARY : undefined })
        }
      />
      {canary !== undefined && (
        <Group grow>
          <NumberInput
            size="xs"
            label="How many first"
            min={1}
            max={1_000}
            value={canary.count}
            onChange={(count) => set({ canary: { ...canary, count: Number(count) || 1 } })}
          />
          <NumberInput
            size="xs"
            label="Stop above (%)"
            min={0}
            max={99}
            value={canary.max_failed_percent}
            onChange={(most) => set({ canary: { ...canary, max_failed_percent: Number(most) } })}
          />
        </Group>
      )}
      <Checkbox
        size="xs"
        label="The newest first"
        checked={order === "newest_first"}
        onChange={({ currentTarget }) =>
          set({ order: currentTarget.checked ? "newest_first" : undefined })
        }
      />
      <Moment
        label="Not before"
        value={start_at}
        onChange={(at) => set({ start_at: at ?? undefined })}
      />
    </Stack>
  );
}
