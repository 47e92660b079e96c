import { json } from "../reply.ts";
import { route, type Route } from "../route.ts";
import { pageOf } from "../schemas/common.ts";
import { jobType } from "../schemas/job.ts";

const list = route({
  method: "get",
  path: "/v1/job-types",
  scopes: ["jobs:read"],
  operationId: "listJobTypes",
  tag: "Jobs",
  summary: "List the job types, with the JSON Schemas of input and result",
  responses: { 200: { description: "All job types", schema: pageOf(jobType) } },
  problems: [],
  async handler(context) {
    return json(200, { data: context.jobTypes.describe(), next_cursor: null });
  },
});

export const jobTypeRoutes: Route[] = [list];
