import { Anchor, Group } from "@mantine/core";
import { Link } from "react-router";
import { Copy } from "./copy.tsx";

const PAGES: Record<string, string> = {
  job: "/jobs",
  msg: "/events",
  dlv: "/deliveries",
  ep: "/endpoints",
};

/** The page of the thing with this id, if it has one. */
export function pageOf(id: string): string | null {
  const page = PAGES[id.split("_")[0] ?? ""];
  return page === undefined ? null : `${page}/${id}`;
}

interface IdProps {
  id: string;
  /** Shows the beginning and the end only. */
  short?: boolean;
  link?: boolean;
}

export function Id({ id, short = false, link = true }: IdProps) {
  const page = link ? pageOf(id) : null;
  const text = short ? shorten(id) : id;
  return (
    <Group gap={2} wrap="nowrap" display="inline-flex" maw="100%">
      {page === null ? (
        <span className="rb-mono rb-truncate" title={short ? id : undefined}>
          {text}
        </span>
      ) : (
        <Anchor component={Link} to={page} className="rb-mono rb-truncate" fz="inherit">
          {text}
        </Anchor>
      )}
      <Copy text={id} what={id} />
    </Group>
  );
}

/** The end of a UUIDv7 is its random part; its beginning only tells the time. */
function shorten(id: string): string {
  const [prefix = "", rest = ""] = id.split("_");
  return rest.length < 12 ? id : `${prefix}_…${rest.slice(-8)}`;
}
