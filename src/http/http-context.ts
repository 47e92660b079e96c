import type { Context } from "../flow/context.ts";
import type { ActivityFeed } from "../flow/activity/feed.ts";
import type { JobWatch } from "./job-watch.ts";
import type { Jwks } from "./jwks.ts";

/** What handlers work with: the composition root and what belongs to this HTTP app alone. */
export interface HttpContext extends Context {
  watch: JobWatch;
  activity: ActivityFeed;
  jwks: Jwks;
}
