import { formatId } from "../../src/core/ids.ts";
import type { Check } from "./checks.ts";
import type { FaultDatabase } from "./fault-database.ts";
import type { Arrival } from "./receivers.ts";
import type { Incident } from "./incident.ts";

/** A fault explains what is sent twice until this long after it: recovery, audit, a zombie's return. */
const AFTERMATH_MS = 12_000;

interface AttemptRow {
  message_id: string;
  url: string;
  number: number;
  status_code: number | null;
}

export interface ArrivalFindings {
  checks: Check[];
  /** Webhooks that came again though they had been taken, and the same attempt made twice. */
  duplicates: number;
}

/** What came in, held against what was written down. */
export async function checkArrivals(
  { query }: Pick<FaultDatabase, "query">,
  arrivals: readonly Arrival[],
  incidents: readonly Incident[],
): Promise<ArrivalFindings> {
  const rows = await query<AttemptRow>(
    `select d.message_id, coalesce(a.url, d.url) as url, a.number, a.status_code
     from attempts a join deliveries d on d.id = a.delivery_id`,
  );
  const attempts = new Map(rows.map((row) => [keyOf(row.message_id, row.url, row.number), row]));
  const byKey = Map.groupBy(arrivals, (a) => keyOf(a.messageId ?? "", a.url, a.attempt));
  const repeated = [...byKey.values()].filter((same) => same.length > 1);
  return {
    checks: [
      {
        name: "every signature verifies",
        of: arrivals.length,
        broken: arrivals.filter(({ fault }) => fault !== null).map(describe),
      },
      await checkBytes(query, arrivals),
      {
        name: "every webhook received has an attempt row",
        of: arrivals.length,
        broken: [...byKey]
          .filter(([key]) => !attempts.has(key))
          .map(([, [first]]) => describe(first!)),
      },
      {
        name: "every answered attempt row has its request",
        of: rows.length,
        broken: rows
          .filter(({ status_code }) => status_code !== null)
          .filter((row) => {
            const same = byKey.get(keyOf(row.message_id, row.url, row.number)) ?? [];
            return !same.some(({ status }) => status === row.status_code);
          })
          .map((row) => `${formatId("message", row.message_id)} ${row.url} #${row.number}`),
      },
      {
        name: "an attempt made twice is explained by a fault between",
        of: repeated.length,
        broken: repeated.filter((same) => !isExplained(same, incidents)).map(([a]) => describe(a!)),
      },
      await checkOrder(query, arrivals),
    ],
    duplicates: countDuplicates(arrivals),
  };
}

async function checkBytes(
  query: FaultDatabase["query"],
  arrivals: readonly Arrival[],
): Promise<Check> {
  const rows = await query<{ id: string; body: string }>("select id, body from messages");
  const bodies = new Map(rows.map(({ id, body }) => [id, body]));
  const broken = arrivals
    .filter(({ messageId, body }) => bodies.get(messageId ?? "") !== body.toString("utf8"))
    .map(describe);
  return { name: "every body is the stored one, byte for byte", of: arrivals.length, broken };
}

/** Some fault hit between the first time an attempt was made and the last. */
function isExplained(same: readonly Arrival[], incidents: readonly Incident[]): boolean {
  const first = same[0]!.at;
  const last = same.at(-1)!.at;
  return incidents.some(({ from, to }) => from <= last && to + AFTERMATH_MS >= first);
}

/** In an ordered lane each message arrives for the first time after the one placed before it. */
export async function checkOrder(
  query: FaultDatabase["query"],
  arrivals: readonly Pick<Arrival, "messageId" | "url">[],
): Promise<Check> {
  const rows = await query<{ message_id: string; lane_id: string; url: string }>(
    `select d.message_id, d.lane_id, d.url from deliveries d join lanes l on l.id = d.lane_id
     where l.ordered and d.lane_position > 0 order by d.lane_id, d.lane_position`,
  );
  const firstAt = new Map<string, number>();
  arrivals.forEach(({ messageId, url }, index) => {
    const key = keyOf(messageId ?? "", url, 0);
    if (!firstAt.has(key)) firstAt.set(key, index);
  });
  const broken: string[] = [];
  for (const [, lane] of Map.groupBy(rows, ({ lane_id }) => lane_id)) {
    let latest = -1;
    for (const { message_id, url } of lane) {
      const index = firstAt.get(keyOf(message_id, url, 0));
      if (index === undefined) continue;
      if (index < latest) broken.push(formatId("message", message_id));
      latest = Math.max(latest, index);
    }
  }
  return { name: "in an ordered lane, order holds", of: rows.length, broken };
}

function countDuplicates(arrivals: readonly Arrival[]): number {
  const taken = new Set<string>();
  let duplicates = 0;
  for (const { messageId, url, status } of arrivals) {
    const key = keyOf(messageId ?? "", url, 0);
    if (taken.has(key)) duplicates += 1;
    else if (status < 300) taken.add(key);
  }
  return duplicates;
}

function keyOf(messageId: string, url: string, number: number): string {
  return `${messageId} ${url} ${number}`;
}

function describe({ messageId, url, attempt, fault }: Arrival): string {
  const id = messageId === null ? "no id" : formatId("message", messageId);
  return `${id} ${url} #${attempt}${fault === null ? "" : ` (${fault})`}`;
}
