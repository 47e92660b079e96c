import type { Context } from "../flow/context.ts";
import type { LiveEvents } from "../flow/activity/hub.ts";
import type { JobWatch } from "./job-watch.ts";
import type { Jwks } from "./jwks.ts";

/** What handlers work with: the composition root and what belongs to this HTTP app alone. */
export interface HttpContext extends Context {
  watch: JobWatch;
  live: LiveEvents;
  jwks: Jwks;
}
