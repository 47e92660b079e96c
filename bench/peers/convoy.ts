import { ask, bearer } from "./peer.ts";
import type { Peer } from "./peer.ts";

const EVENT_TYPE = "bench.lane";

/** Endpoints of one project, each with a subscription to all types; an event names its endpoint. */
export const convoy: Peer = {
  version: "Convoy (measured: 26.7)",
  accepted: "a task in its queue, in Redis",
  async setUp(place, receivers) {
    if (place.project === null) throw new Error("Convoy needs the id of a project: --project");
    const base = `/api/v1/projects/${place.project}`;
    const ids: string[] = [];
    for (const [number, url] of receivers.entries()) {
      const name = `bench ${place.tag} ${number}`;
      const endpoint = await ask<{ data: { uid: string } }>(place, "POST", `${base}/endpoints`, {
        name,
        url,
      });
      ids.push(endpoint.data.uid);
      await ask(place, "POST", `${base}/subscriptions`, {
        name,
        endpoint_id: endpoint.data.uid,
        filter_config: { event_types: ["*"] },
      });
    }
    return {
      url: `${place.url}${base}/events`,
      headers: bearer(place.key),
      request: (endpoint, fill) =>
        `{"endpoint_id":${JSON.stringify(ids[endpoint])},"event_type":"${EVENT_TYPE}","data":${fill(0)}}`,
    };
  },
};
