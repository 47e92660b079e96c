/** Where a peer's server is, which the reader has started. */
export interface PeerPlace {
  /** Of its API, no slash at the end. */
  url: string;
  /** The token of its API. */
  key: string;
  /** Where a peer has projects. */
  project: string | null;
  /** Makes names differ from those of another run. */
  tag: string;
}

/** How messages are published: each is one POST, for one endpoint. */
export interface Publications {
  url: string;
  headers: Record<string, string>;
  /**
   * The request whose webhook goes to the endpoint of this number.
   * @param fill makes a JSON object so that it and `frameBytes` around it are a webhook's body
   */
  request(endpoint: number, fill: (frameBytes: number) => string): string;
}

export interface Peer {
  /** Whose API the adapter follows. */
  version: string;
  /** What a 2xx to a publication means there. */
  accepted: string;
  /** Makes an endpoint for each of the receivers' URLs. @throws Error what it was refused with */
  setUp(place: PeerPlace, receivers: readonly string[]): Promise<Publications>;
}

/** A request of the set-up. @throws Error anything but a 2xx, or what is `fine` as well */
export async function ask<Answer>(
  { url, key }: Pick<PeerPlace, "url" | "key">,
  method: "POST" | "PUT",
  path: string,
  body: object,
  fine: readonly number[] = [],
): Promise<Answer> {
  const answer = await fetch(url + path, {
    method,
    headers: bearer(key),
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok && !fine.includes(answer.status)) {
    throw new Error(`${method} ${path} answered ${answer.status}: ${text.slice(0, 500)}`);
  }
  return (text === "" ? {} : JSON.parse(text)) as Answer;
}

export function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}`, "content-type": "application/json" };
}
