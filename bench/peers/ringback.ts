import { ask, bearer } from "./peer.ts";
import type { Peer } from "./peer.ts";

/** @param signatures of its endpoints; none: as by default */
export function ringback(signatures?: readonly string[]): Peer {
  return {
    version: "this one",
    accepted: "a committed message with its deliveries",
    async setUp(place, receivers) {
      const typeOf = (endpoint: number): string => `bench.${place.tag}.lane-${endpoint}`;
      for (const [number, url] of receivers.entries()) {
        const endpoint = { url, events: [typeOf(number)], ...(signatures && { signatures }) };
        await ask(place, "POST", "/v1/endpoints", endpoint);
      }
      return {
        url: `${place.url}/v1/messages`,
        headers: bearer(place.key),
        request(endpoint, fill) {
          const type = JSON.stringify(typeOf(endpoint));
          const frame = `{"type":${type},"timestamp":"${new Date(0).toISOString()}","data":}`;
          return `{"type":${type},"data":${fill(frame.length)}}`;
        },
      };
    },
  };
}
