import { parseId } from "../../src/core/ids.ts";
import type { Check } from "./checks.ts";
import type { FaultDatabase } from "./fault-database.ts";
import type { Scene } from "./incident.ts";
import type { Crowd } from "./overload.ts";

/** A quiet account waits no longer for its work, when there is room for all that it asks for. */
const QUIET_MS = 5_000;
/** There is room when the flood gets so many times of what a quiet account asks for. */
const ROOM = 2;
/** When there is none: the share of what the flood gets that a quiet account gets at least. */
const FAIR = 0.5;
/** An older one may be begun so much later than a younger one: what is asked for at once overlaps. */
const OVERTAKEN_MS = 2_000;

/** One thing that was asked for, and when the first try of it was made; null: never. */
interface Wait {
  id: string;
  asked: number;
  begun: number | null;
}

/**
 * What became of an overload: who waited, for how long, and who overtook whom.
 * @param to when nobody asked for more
 */
export async function checkOverload(
  database: Pick<FaultDatabase, "query">,
  { receivers }: Pick<Scene, "receivers">,
  crowds: readonly Crowd[],
  to: number,
): Promise<Check[]> {
  const firstAt = new Map<string, number>();
  for (const { messageId, at } of receivers.arrivals) {
    if (messageId !== null && !firstAt.has(messageId)) firstAt.set(messageId, at);
  }
  const streams = await Promise.all(
    crowds.flatMap((crowd) => [
      waitsOfMessages(database, crowd, firstAt),
      waitsOfJobs(database, crowd),
    ]),
  );
  const all = streams.flatMap(({ waits }) => waits);
  const quiet = streams.filter((stream) => stream.quiet);
  const floodOf = (kind: Stream["kind"]): number =>
    streams
      .filter((stream) => !stream.quiet && stream.kind === kind)
      .reduce((sum, { waits }) => sum + begunBy(waits, to), 0);
  return [
    {
      name: "in an overload all is done in the end",
      of: all.length,
      broken: all.filter(({ begun }) => begun === null).map(({ id }) => id),
    },
    {
      name: `in an overload quiet accounts wait ${QUIET_MS / 1_000} s at most`,
      of: quiet.length,
      broken: quiet
        .filter(({ kind, waits }) => floodOf(kind) >= ROOM * waits.length)
        .flatMap(({ waits }) => waits)
        .filter(({ asked, begun }) => begun !== null && begun - asked > QUIET_MS)
        .map(({ id, asked, begun }) => `${id}: ${Math.round(begun! - asked)} ms`),
    },
    {
      name: "in an overload each account gets its share",
      of: quiet.length,
      broken: quiet
        .filter(
          ({ kind, waits }) => begunBy(waits, to) < FAIR * Math.min(waits.length, floodOf(kind)),
        )
        .map(
          ({ name, kind, waits }) =>
            `${kind} of ${name}: ${begunBy(waits, to)} of ${waits.length}, the flood got ${floodOf(kind)}`,
        ),
    },
    {
      name: "in an overload the oldest goes first",
      of: all.length,
      broken: streams.flatMap(({ waits }) => findOvertaken(waits)),
    },
  ];
}

/** What one account asked for of one kind. */
interface Stream {
  name: string;
  quiet: boolean;
  kind: "messages" | "jobs";
  waits: Wait[];
}

function begunBy(waits: readonly Wait[], time: number): number {
  return waits.filter(({ begun }) => begun !== null && begun <= time).length;
}

async function waitsOfMessages(
  { query }: Pick<FaultDatabase, "query">,
  { name, quiet, messages }: Crowd,
  firstAt: ReadonlyMap<string, number>,
): Promise<Stream> {
  const rows = await query<{ id: string; asked: number }>(
    `select id, extract(epoch from created_at)::float8 * 1000 as asked from messages
     where id = any($1)`,
    [messages.map((id) => parseId("message", id))],
  );
  const waits = rows.map(({ id, asked }) => ({ id, asked, begun: firstAt.get(id) ?? null }));
  return { name, quiet, kind: "messages", waits };
}

async function waitsOfJobs(
  { query }: Pick<FaultDatabase, "query">,
  { name, quiet, jobs }: Crowd,
): Promise<Stream> {
  const waits = await query<Wait>(
    `select id, extract(epoch from created_at)::float8 * 1000 as asked,
       extract(epoch from started_at)::float8 * 1000 as begun
     from job_states where id = any($1)`,
    [jobs.map((id) => parseId("job", id))],
  );
  return { name, quiet, kind: "jobs", waits };
}

/** Those that were begun long after one that was asked for long after them. */
function findOvertaken(waits: readonly Wait[]): string[] {
  const begun = waits.filter((wait) => wait.begun !== null);
  let newest = -Infinity;
  return begun
    .toSorted((a, b) => a.begun! - b.begun!)
    .flatMap(({ id, asked }) => {
      const overtaken = newest - asked > OVERTAKEN_MS;
      newest = Math.max(newest, asked);
      return overtaken ? `${id}: ${Math.round(newest - asked)} ms` : [];
    });
}
