import { Group, Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./card.module.css";

interface CardProps {
  title?: string;
  /** On the right of the title. */
  side?: ReactNode;
  /** Without space around, for tables. */
  flush?: boolean;
  children: ReactNode;
}

export function Card({ title, side, flush = false, children }: CardProps) {
  return (
    <section className={`rb-card ${classes.card}`} aria-label={title}>
      {title !== undefined && (
        <Group justify="space-between" className={classes.head} gap="xs">
          <Title order={2}>{title}</Title>
          {side}
        </Group>
      )}
      <div className={flush ? undefined : classes.body}>{children}</div>
    </section>
  );
}
