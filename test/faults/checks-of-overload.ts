import { parseId } from "../../src/core/ids.ts";
import type { Check } from "./checks.ts";
import type { FaultDatabase } from "./fault-database.ts";
import type { Scene } from "./incident.ts";
import type { Crowd } from "./overload.ts";

/** A quiet account waits no longer for its work, whatever others ask for. */
const QUIET_MS = 5_000;
/** An older one may be begun so much later than a younger one: what is asked for at once overlaps. */
const OVERTAKEN_MS = 2_000;

/** One thing that was asked for, and when the first try of it was made; null: never. */
interface Wait {
  id: string;
  asked: number;
  begun: number | null;
}

/** What became of an overload: who waited, for how long, and who overtook whom. */
export async function checkOverload(
  database: Pick<FaultDatabase, "query">,
  { receivers }: Pick<Scene, "receivers">,
  crowds: readonly Crowd[],
  from: number,
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
  const quiet = streams.filter((stream) => stream.quiet).flatMap(({ waits }) => waits);
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
        .filter(({ asked, begun }) => begun !== null && begun - asked > QUIET_MS)
        .map(
          (wait) => `${wait.id}: ${wait.begun! - wait.asked} ms, asked ${wait.asked - from} ms in`,
        ),
    },
    {
      name: "in an overload the oldest goes first",
      of: all.length,
      broken: streams.flatMap(({ waits }) => findOvertaken(waits)),
    },
  ];
}

interface Waits {
  quiet: boolean;
  waits: Wait[];
}

async function waitsOfMessages(
  { query }: Pick<FaultDatabase, "query">,
  { quiet, messages }: Crowd,
  firstAt: ReadonlyMap<string, number>,
): Promise<Waits> {
  const rows = await query<{ id: string; asked: number }>(
    `select id, extract(epoch from created_at)::float8 * 1000 as asked from messages
     where id = any($1)`,
    [messages.map((id) => parseId("message", id))],
  );
  const waits = rows.map(({ id, asked }) => ({ id, asked, begun: firstAt.get(id) ?? null }));
  return { quiet, waits };
}

async function waitsOfJobs(
  { query }: Pick<FaultDatabase, "query">,
  { quiet, jobs }: Crowd,
): Promise<Waits> {
  const waits = await query<Wait & { id: string }>(
    `select id, extract(epoch from created_at)::float8 * 1000 as asked,
       extract(epoch from started_at)::float8 * 1000 as begun
     from jobs where id = any($1)`,
    [jobs.map((id) => parseId("job", id))],
  );
  return { quiet, waits };
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
