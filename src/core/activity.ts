/** Types of activity, as listeners see it. Those that begin with `job.` need the scope `jobs`, others `webhooks`. */
export const ACTIVITY_TYPES = [
  "job.accepted",
  "job.started",
  "job.progress",
  "job.completed",
  "job.failed",
  "job.canceled",
  "message.created",
  "delivery.attempted",
  "delivery.delivered",
  "delivery.dead",
  "delivery.replayed",
  "endpoint.updated",
  "lane.changed",
  "replay.progress",
] as const;
export type ActivityType = (typeof ACTIVITY_TYPES)[number];

/** A position in the log of activity: after this entry of this transaction, and all that are older. */
export interface ActivityPosition {
  xid: bigint;
  seq: bigint;
}

export function isAfter(a: ActivityPosition, b: ActivityPosition): boolean {
  return a.xid === b.xid ? a.seq > b.seq : a.xid > b.xid;
}

export function later(a: ActivityPosition, b: ActivityPosition): ActivityPosition {
  return isAfter(a, b) ? a : b;
}

/** The id of an entry, as listeners see it. */
export function formatPosition({ xid, seq }: ActivityPosition): string {
  return `${xid}-${seq}`;
}

const MOST = 2n ** 63n - 1n;

/** Null: it is malformed. */
export function parsePosition(text: string): ActivityPosition | null {
  const [, xid, seq] = /^(\d{1,19})-(\d{1,19})$/.exec(text) ?? [];
  if (xid === undefined || seq === undefined) return null;
  const position = { xid: BigInt(xid), seq: BigInt(seq) };
  return position.xid > MOST || position.seq > MOST ? null : position;
}

/** Whether a pattern (`job.completed`, `job.*`) names a type. */
export function matchesType(pattern: string, type: string): boolean {
  return pattern.endsWith(".*") ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
