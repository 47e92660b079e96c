import type { ReactNode } from "react";
import { Link } from "react-router";
import type { Tone } from "./status.tsx";
import classes from "./tile.module.css";

interface TileProps {
  name: string;
  value: ReactNode;
  hint?: ReactNode;
  tone?: Tone;
  to?: string;
}

/** One figure; it leads to what it counts. */
export function Tile({ name, value, hint, tone, to }: TileProps) {
  const content = (
    <>
      <span className={classes.name}>{name}</span>
      <span className={`${classes.value} ${tone ? `rb-${tone} rb-tone` : ""}`}>{value}</span>
      <span className={classes.hint}>{hint ?? "\u00a0"}</span>
    </>
  );
  const className = `rb-card ${classes.tile}`;
  if (to === undefined) return <div className={className}>{content}</div>;
  return (
    <Link to={to} className={`${className} ${classes.link}`}>
      {content}
    </Link>
  );
}
