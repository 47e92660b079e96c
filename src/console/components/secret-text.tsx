import { Group, Input } from "@mantine/core";
import { Copy } from "./copy.tsx";
import classes from "./secret-text.module.css";

export function SecretText({ label, secret }: { label: string; secret: string }) {
  return (
    <Input.Wrapper label={label} labelElement="div">
      <Group gap={4} wrap="nowrap" className={classes.box}>
        <code className={classes.text} data-testid="secret">
          {secret}
        </code>
        <Copy text={secret} what={label.toLowerCase()} />
      </Group>
    </Input.Wrapper>
  );
}
