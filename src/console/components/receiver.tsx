import { Anchor } from "@mantine/core";
import { Link } from "react-router";

interface ReceiverProps {
  /** Null: a callback URL, or the origin of some. */
  endpointId: string | null;
  description: string | null;
  url: string | null;
}

/** Who gets webhooks: an endpoint by its name, which leads to its page, then the URL. */
export function Receiver({ endpointId, description, url }: ReceiverProps) {
  const name = description || null;
  const title = [name, url].filter((text) => text !== null).join(", ");
  if (endpointId === null) {
    return (
      <span className="rb-mono" title={title}>
        {url}
      </span>
    );
  }
  return (
    <span title={title}>
      <Anchor component={Link} to={`/endpoints/${endpointId}`} fz="inherit">
        {name ?? <span className="rb-mono">{url ?? endpointId}</span>}
      </Anchor>
      {name !== null && url !== null && (
        <span className="rb-mono rb-second">{withoutScheme(url)}</span>
      )}
    </span>
  );
}

function withoutScheme(url: string): string {
  return url.replace(/^https:\/\//, "");
}
