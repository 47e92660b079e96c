import type { Context } from "../flow/context.ts";
import type { ActivityFeed } from "../flow/activity/feed.ts";
import type { JobWatch } from "./job-watch.ts";
import type { Jwks } from "./jwks.ts";

/** The context of handlers: that of the process, and the parts of this HTTP app alone. */
export interface HttpContext extends Context {
  watch: JobWatch;
  activity: ActivityFeed;
  jwks: Jwks;
}
