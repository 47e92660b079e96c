/**
 * Named points on the path of a job. They do nothing, unless the fault suite has put a hook in to
 * stop the process there.
 */
export type Failpoint =
  | "submit:before-commit"
  | "submit:committed"
  | "publish:before-commit"
  | "publish:committed"
  | "claim:committed"
  | "computed"
  | "finish:before-commit"
  | "finish:committed"
  | "hand-back:committed"
  | "lane:leased"
  | "lane:read"
  | "attempt:sent"
  | "attempt:settled"
  | "lane:before-leave"
  | "lane:left"
  | "replay:before-commit"
  | "replay:step-committed"
  | "recovery:before-commit"
  | "recovery:committed"
  | "migrate:between";

let hook: ((point: Failpoint) => void) | null = null;

export function failpoint(point: Failpoint): void {
  if (hook !== null) hook(point);
}

/** For the fault suite. */
export function setFailpointHook(next: typeof hook): void {
  hook = next;
}
