import type { ReactNode } from "react";
import classes from "./facts.module.css";

export interface Fact {
  name: string;
  value: ReactNode;
  /** Takes the room of two. */
  wide?: boolean;
}

/** Names and values, in as many columns as fit. */
export function Facts({ facts }: { facts: (Fact | false | null)[] }) {
  return (
    <dl className={classes.facts}>
      {facts
        .filter((fact) => fact !== false && fact !== null)
        .map(({ name, value, wide }) => (
          <div key={name} className={classes.fact} data-wide={wide}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
