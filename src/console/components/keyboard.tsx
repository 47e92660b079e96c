import { Group, Kbd, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useEffect } from "react";
import { useNavigate } from "react-router";
import { onListKey } from "./list-keys.ts";
import { NAVIGATION } from "./navigation.ts";
import { SEARCH_ID } from "./search.tsx";

/** Between the two keys of a sequence. */
const SEQUENCE_MS = 1_200;

/** The keys that work everywhere, and the list of them. */
export function Keyboard() {
  const navigate = useNavigate();
  const [opened, { open, close }] = useDisclosure(false);

  useEffect(() => {
    let goAt = -Infinity;
    function onKey(event: KeyboardEvent): void {
      if (event.key.toLowerCase() === "k" && (event.metaKey || event.ctrlKey) && !event.altKey) {
        if (document.querySelector('[role="dialog"]') !== null) return;
        event.preventDefault();
        document.getElementById(SEARCH_ID)?.focus();
        return;
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      const target = NAVIGATION.find(({ key }) => key === event.key);
      if (event.timeStamp - goAt < SEQUENCE_MS && target !== undefined) {
        goAt = -Infinity;
        void navigate(target.path);
      } else if (event.key === "g") {
        goAt = event.timeStamp;
      } else if (event.key === "/") {
        event.preventDefault();
        document.getElementById(SEARCH_ID)?.focus();
      } else if (event.key === "?") {
        open();
      } else if (onListKey(event.key)) {
        event.preventDefault();
      }
    }
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [navigate, open]);

  return (
    <Modal
      opened={opened}
      onClose={close}
      title="Keyboard"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack gap="xs">
        <Shortcut keys={["/"]} does="Search and commands" />
        <Shortcut keys={["Ctrl", "K"]} does="The same, also while you type (⌘ K on a Mac)" />
        {NAVIGATION.map(({ key, label }) => (
          <Shortcut key={key} keys={["g", key]} does={label} />
        ))}
        <Shortcut keys={["j", "k"]} does="Next, previous row of a list" />
        <Shortcut keys={["Enter"]} does="Open the row" />
        <Shortcut keys={["x"]} does="Select the row" />
        <Shortcut keys={["r"]} does="Replay what is selected, or this delivery" />
        <Shortcut keys={["?"]} does="This list" />
        <Shortcut keys={["Esc"]} does="Close what is open" />
      </Stack>
    </Modal>
  );
}

function Shortcut({ keys, does }: { keys: string[]; does: string }) {
  return (
    <Group justify="space-between">
      <Text size="sm">{does}</Text>
      <Group gap={4}>
        {keys.map((key) => (
          <Kbd key={key} size="xs">
            {key}
          </Kbd>
        ))}
      </Group>
    </Group>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
