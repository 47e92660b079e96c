import type { Route } from "../route.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { endpointActionRoutes } from "./endpoint-actions.ts";
import { endpointRoutes } from "./endpoints.ts";
import { jobResultRoutes } from "./job-results.ts";
import { jobTypeRoutes } from "./job-types.ts";
import { jobRoutes } from "./jobs.ts";
import { messageRoutes } from "./messages.ts";
import { replayRoutes } from "./replays.ts";
import { signingRoutes } from "./signing.ts";
import { submitRoute } from "./submit-job.ts";
import { systemRoutes } from "./system.ts";

/** All routes but the description of them. The busiest come first. */
export const routes: readonly Route[] = [
  submitRoute,
  ...jobRoutes,
  ...jobResultRoutes,
  ...jobTypeRoutes,
  ...messageRoutes,
  ...deliveryRoutes,
  ...replayRoutes,
  ...endpointRoutes,
  ...endpointActionRoutes,
  ...signingRoutes,
  ...systemRoutes,
];
