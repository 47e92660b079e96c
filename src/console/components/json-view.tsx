import { Group, ScrollArea, Text } from "@mantine/core";
import { Copy } from "./copy.tsx";
import classes from "./json-view.module.css";

interface TextViewProps {
  text: string;
  /** Names the block, and completes "Copy …". */
  label: string;
  maxHeight?: number;
}

const TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Longer texts are shown plain. */
const MAX_COLOURED = 50_000;

/** A block of text, with the parts of JSON told apart. */
export function TextView({ text, label, maxHeight = 360 }: TextViewProps) {
  return (
    <div className={classes.block}>
      <Group justify="space-between" className={classes.head} wrap="nowrap">
        <Text size="xs" c="dimmed" fw={550}>
          {label}
        </Text>
        <Copy text={text} what={label.toLowerCase()} />
      </Group>
      <ScrollArea.Autosize
        mah={maxHeight}
        viewportProps={{ tabIndex: 0, role: "group", "aria-label": label }}
      >
        <pre className={classes.code}>{text.length > MAX_COLOURED ? text : coloured(text)}</pre>
      </ScrollArea.Autosize>
    </div>
  );
}

function coloured(text: string) {
  const parts: React.ReactNode[] = [];
  let end = 0;
  if (!/^\s*[[{]/.test(text)) return text;
  for (const match of text.matchAll(TOKEN)) {
    parts.push(text.slice(end, match.index));
    const [whole, quoted, colon, word] = match;
    const kind = quoted ? (colon ? classes.key : classes.text) : word ? classes.word : classes.num;
    parts.push(
      <span key={match.index} className={kind}>
        {whole}
      </span>,
    );
    end = match.index + whole.length;
  }
  return [...parts, text.slice(end)];
}
