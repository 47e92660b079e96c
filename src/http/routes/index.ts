import type { Route } from "../route.ts";
import { accountRoutes } from "./accounts.ts";
import { apiKeyRoutes } from "./api-keys.ts";
import { auditRoutes } from "./audit-events.ts";
import { deadLetterRoutes } from "./dead-letters.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { endpointActionRoutes } from "./endpoint-actions.ts";
import { endpointRoutes } from "./endpoints.ts";
import { streamRoutes } from "./activity.ts";
import { jobResultRoutes } from "./job-results.ts";
import { jobTypeRoutes } from "./job-types.ts";
import { jobRoutes } from "./jobs.ts";
import { jwksRoutes } from "./jwks.ts";
import { messageRoutes } from "./messages.ts";
import { overviewRoutes } from "./overview.ts";
import { portalSessionRoutes } from "./portal-sessions.ts";
import { readMessageRoutes } from "./read-messages.ts";
import { replayRoutes } from "./replays.ts";
import { searchRoute } from "./search.ts";
import { settingsRoute } from "./settings.ts";
import { signingRoutes } from "./signing.ts";
import { statsRoute } from "./stats.ts";
import { submitRoute } from "./submit-job.ts";
import { systemRoutes } from "./system.ts";
import { timelineRoute } from "./timeline.ts";

/** All routes except their description. The busiest come first. */
export const routes: readonly Route[] = [
  submitRoute,
  ...jobRoutes,
  ...jobResultRoutes,
  ...jobTypeRoutes,
  ...messageRoutes,
  ...readMessageRoutes,
  ...deliveryRoutes,
  ...deadLetterRoutes,
  ...replayRoutes,
  ...endpointRoutes,
  ...endpointActionRoutes,
  ...signingRoutes,
  ...jwksRoutes,
  searchRoute,
  timelineRoute,
  ...streamRoutes,
  ...overviewRoutes,
  statsRoute,
  ...accountRoutes,
  ...apiKeyRoutes,
  ...auditRoutes,
  ...portalSessionRoutes,
  settingsRoute,
  ...systemRoutes,
];
