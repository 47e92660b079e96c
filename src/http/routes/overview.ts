import { z } from "zod";
import { toCapped } from "../../core/capped-count.ts";
import { ENDPOINT_STATUSES } from "../../core/endpoint.ts";
import { formatId } from "../../core/ids.ts";
import { MAX_UNPAGED } from "../../core/model.ts";
import {
  countLanes,
  countWorkers,
  getOverview,
  listLanes,
  listWorkers,
  type LaneView,
} from "../../db/statistics/overview.ts";
import { json } from "../reply.ts";
import { idOrNull, isoTime } from "../views/common.ts";
import { pageReply } from "../views/page.ts";
import { route, type Route } from "../route.ts";
import { pageOf, pageQuery } from "../schemas/common.ts";
import {
  lane as laneSchema,
  overview as overviewSchema,
  worker as workerSchema,
  type LaneBody,
  type WorkerBody,
} from "../schemas/overview.ts";

const tag = "Operation";

const overview = route({
  method: "get",
  path: "/v1/overview",
  scopes: ["jobs:read", "webhooks:read"],
  operationId: "getOverview",
  tag,
  summary: "What is going on right now",
  responses: { 200: { description: "The account at a glance", schema: overviewSchema } },
  problems: [],
  async handler({ lookups }, { accountId }) {
    const [now, lanes, workers] = await Promise.all([
      getOverview(lookups, accountId),
      countLanes(lookups, accountId),
      countWorkers(lookups),
    ]);
    return json(200, {
      jobs: { pending: toCapped(now.jobs_pending), running: toCapped(now.jobs_running) },
      deliveries: {
        pending: toCapped(now.deliveries_pending),
        oldest_due_at: isoTime(now.oldest_due_at),
      },
      dead_letters: toCapped(now.dead_letters),
      lanes,
      workers,
    });
  },
});

const workers = route({
  method: "get",
  path: "/v1/workers",
  scopes: ["operator"],
  operationId: "listWorkers",
  tag,
  summary: "List the processes that compute and deliver",
  responses: {
    200: {
      description: `The workers on this database, for whichever account; the oldest ${MAX_UNPAGED}`,
      schema: z.strictObject({ data: z.array(workerSchema) }),
    },
  },
  problems: [],
  async handler({ lookups }) {
    const data = (await listWorkers(lookups)).map(
      ({ id, heartbeat_at, started_at, ...rest }): WorkerBody => ({
        id: formatId("worker", id),
        ...rest,
        heartbeat_at: isoTime(heartbeat_at),
        started_at: isoTime(started_at),
      }),
    );
    return json(200, { data });
  },
});

const lanes = route({
  method: "get",
  path: "/v1/lanes",
  scopes: ["webhooks:read"],
  operationId: "listLanes",
  tag,
  summary: "List lanes, newest first",
  description:
    "A lane is the stream of deliveries to one endpoint, or to one origin of callback URLs.",
  query: z.strictObject({ status: z.enum(ENDPOINT_STATUSES).optional(), ...pageQuery }),
  responses: { 200: { description: "A page of lanes", schema: pageOf(laneSchema) } },
  problems: ["query_invalid", "cursor_invalid"],
  async handler({ lookups }, { accountId, query }) {
    return await pageReply(
      "lanes",
      query,
      (page) => listLanes(lookups, accountId, { status: query.status, ...page }),
      (row) => JSON.stringify(laneView(row)),
    );
  },
});

function laneView({ id, endpoint_id, pending, until, oldest_due_at, ...rest }: LaneView): LaneBody {
  return {
    id: formatId("lane", id),
    endpoint_id: idOrNull("endpoint", endpoint_id),
    ...rest,
    until: isoTime(until),
    pending: toCapped(pending),
    oldest_due_at: isoTime(oldest_due_at),
  };
}

export const overviewRoutes: Route[] = [overview, workers, lanes];
