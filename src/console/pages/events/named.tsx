/** A receiver by its name, if it has one, and its URL. */
export function Named({ name, url }: { name: string; url: string }) {
  if (name === "") return <span className="rb-mono rb-truncate">{url}</span>;
  return (
    <span className="rb-truncate" title={url}>
      {name} <span className="rb-mono">({url})</span>
    </span>
  );
}
