import type { View } from "../../components/use-view.ts";

/** Names of the filters in the address of the page. */
export const INBOX_FILTERS = [
  "reason",
  "endpoint_id",
  "event_type",
  "job_id",
  "status_code",
  "error_code",
  "range",
  "since",
  "until",
  "by",
  "discarded",
] as const;
export type InboxView = View<(typeof INBOX_FILTERS)[number]>;
