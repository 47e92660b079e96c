import { Group, SegmentedControl, Text } from "@mantine/core";
import type { InboxView } from "./inbox-view.ts";

/** How the inbox is put into heaps, and how many there are. Null: not known yet. */
export function GroupChoice({ view, count }: { view: InboxView; count: number | null }) {
  const { values, set } = view;
  return (
    <Group justify="space-between" mb="xs">
      <Text size="sm" c="dimmed">
        {count !== null && (count === 1 ? "1 group" : `${count} groups`)}
      </Text>
      <SegmentedControl
        size="xs"
        aria-label="Group by"
        value={values.by ?? "cause"}
        onChange={(next) => set({ by: next === "cause" ? null : next })}
        data={[
          { value: "cause", label: "By cause" },
          { value: "reason", label: "By reason" },
          { value: "endpoint", label: "By endpoint" },
        ]}
      />
    </Group>
  );
}
