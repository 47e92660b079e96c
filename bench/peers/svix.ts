import { ask, bearer } from "./peer.ts";
import type { Peer } from "./peer.ts";

/** One application; each endpoint filters by an event type of its own. */
export const svix: Peer = {
  version: "Svix server 1.x (measured: 1.100)",
  accepted: "a committed message; its task is in Redis",
  async setUp(place, receivers) {
    const typeOf = (endpoint: number): string => `bench.lane-${endpoint}`;
    const app = await ask<{ id: string }>(place, "POST", "/api/v1/app/", {
      name: `bench ${place.tag}`,
    });
    for (const [number, url] of receivers.entries()) {
      const name = typeOf(number);
      // the type of an earlier run
      const exists = [409];
      const description = "of a benchmark";
      await ask(place, "POST", "/api/v1/event-type/", { name, description }, exists);
      const endpoint = { url, version: 1, filterTypes: [name] };
      await ask(place, "POST", `/api/v1/app/${app.id}/endpoint/`, endpoint);
    }
    return {
      url: `${place.url}/api/v1/app/${app.id}/msg/`,
      headers: bearer(place.key),
      request: (endpoint, fill) =>
        `{"eventType":${JSON.stringify(typeOf(endpoint))},"payload":${fill(0)}}`,
    };
  },
};
