import type { Context } from "../context.ts";
import type { LiveEvents } from "../flow/live-events.ts";
import type { JobWatch } from "./job-watch.ts";
import type { Jwks } from "./jwks.ts";

/** What handlers work with: the composition root and what belongs to this HTTP app alone. */
export interface HttpContext extends Context {
  watch: JobWatch;
  live: LiveEvents;
  jwks: Jwks;
}
