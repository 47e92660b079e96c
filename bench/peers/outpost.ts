import { ask, bearer } from "./peer.ts";
import type { Peer } from "./peer.ts";

/** One tenant; each destination has a topic of its own, all of which the server must know. */
export const outpost: Peer = {
  version: "Outpost 1.x (measured: 1.2), whose routes begin with /tenants",
  accepted: "confirmed by the message queue",
  async setUp(place, receivers) {
    const tenant = `bench-${place.tag}`;
    const topicOf = (endpoint: number): string => `bench.lane-${endpoint}`;
    await ask(place, "PUT", `/api/v1/tenants/${tenant}`, {});
    for (const [number, url] of receivers.entries()) {
      await ask(place, "POST", `/api/v1/tenants/${tenant}/destinations`, {
        type: "webhook",
        topics: [topicOf(number)],
        config: { url },
      });
    }
    return {
      url: `${place.url}/api/v1/publish`,
      headers: bearer(place.key),
      request: (endpoint, fill) =>
        `{"tenant_id":${JSON.stringify(tenant)},"topic":"${topicOf(endpoint)}","data":${fill(0)}}`,
    };
  },
};
