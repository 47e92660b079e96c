import { Button, Group, Text } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconChevronsLeft } from "@tabler/icons-react";
import type { Cursor } from "./use-view.ts";

interface PagerProps {
  cursor: Cursor;
  next: string | null;
  /** How many rows this page has. */
  shown: number;
}

/** Through a list by the server's cursors, newest first. */
export function Pager({ cursor, next, shown }: PagerProps) {
  if (cursor.value === null && next === null) {
    return (
      <Group px="md" py={8}>
        <Text size="xs" c="dimmed">
          {shown} in all
        </Text>
      </Group>
    );
  }
  return (
    <Group px="md" py={8} justify="space-between" component="nav" aria-label="Pages">
      <Text size="xs" c="dimmed">
        {shown} on this page, newest first
      </Text>
      <Group gap="xs">
        {cursor.value !== null && (
          <Button
            variant="default"
            onClick={cursor.first}
            leftSection={<IconChevronsLeft size={14} />}
          >
            Newest
          </Button>
        )}
        <Button
          variant="default"
          disabled={!cursor.canGoBack}
          onClick={cursor.back}
          leftSection={<IconChevronLeft size={14} />}
        >
          Newer
        </Button>
        <Button
          variant="default"
          disabled={next === null}
          onClick={() => next !== null && cursor.forward(next)}
          rightSection={<IconChevronRight size={14} />}
        >
          Older
        </Button>
      </Group>
    </Group>
  );
}
