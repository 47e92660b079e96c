import { setTimeout as sleep } from "node:timers/promises";
import { formatId, parseId } from "../../src/core/ids.ts";
import { BROKEN_STATES } from "../support/job-states.ts";
import type { FaultDatabase } from "./fault-database.ts";
import type { AcknowledgedJob } from "./load.ts";

type Query = FaultDatabase["query"];

/** One promise, and the ids that broke it: none is what we want. */
export interface Check {
  name: string;
  /** How many were looked at. */
  of: number;
  broken: string[];
}

const FINAL = `type in ('job.completed', 'job.failed', 'job.canceled')`;

/** What the database alone can answer. */
export async function checkDatabase(
  query: Query,
  acknowledged: readonly AcknowledgedJob[],
): Promise<Check[]> {
  return [
    await checkJobs(query, acknowledged),
    await checkStates(query),
    await checkEndings(query),
    await checkReceiversHeard(query, acknowledged),
    await checkNoDoubles(query, acknowledged),
    await checkBooks(query),
    await checkAttemptNumbers(query),
    await checkReplays(query),
    await checkLanes(query),
  ];
}

async function checkJobs(query: Query, acknowledged: readonly AcknowledgedJob[]): Promise<Check> {
  const rows = await query<{ id: string; status: string }>(
    "select id, status from job_states where finished_at is not null",
  );
  const ended = new Set(rows.map(({ id }) => formatId("job", id)));
  const broken = acknowledged.filter(({ id }) => !ended.has(id)).map(({ id }) => id);
  return { name: "every acknowledged job has ended", of: acknowledged.length, broken };
}

async function checkStates(query: Query): Promise<Check> {
  const [jobs] = await query<{ of: number }>("select count(*)::int as of from jobs");
  const broken = (await query<{ id: string }>(BROKEN_STATES)).map(({ id }) => formatId("job", id));
  return { name: "every job is in exactly one state", of: jobs!.of, broken };
}

async function checkEndings(query: Query): Promise<Check> {
  const jobs = await query<{ id: string; endings: number }>(
    `select j.id, (select count(*)::int from messages m where m.job_id = j.id and ${FINAL}) as endings
     from job_states j where j.finished_at is not null`,
  );
  const broken = jobs.filter(({ endings }) => endings !== 1).map(({ id }) => formatId("job", id));
  return { name: "every job has exactly one ending", of: jobs.length, broken };
}

/** Lost: a receiver of an acknowledged job that neither took its webhook nor has a dead letter. */
async function checkReceiversHeard(
  query: Query,
  acknowledged: readonly AcknowledgedJob[],
): Promise<Check> {
  const rows = await query<{ job_id: string; url: string }>(
    `select d.job_id, d.url from deliveries d
     join messages m on m.id = d.message_id and ${FINAL.replace("type", "m.type")}
     where d.status = 'delivered'
       or (d.status = 'dead' and exists (select from dead_letters l where l.delivery_id = d.id))`,
  );
  const heard = new Set(rows.map(({ job_id, url }) => `${formatId("job", job_id)} ${url}`));
  const wanted = acknowledged.flatMap(({ id, expected }) => expected.map((url) => `${id} ${url}`));
  const broken = wanted.filter((one) => !heard.has(one));
  return { name: "every webhook is delivered or in the dead letters", of: wanted.length, broken };
}

/** A key that was sent again and again made one job, and the acknowledged one. */
async function checkNoDoubles(
  query: Query,
  acknowledged: readonly AcknowledgedJob[],
): Promise<Check> {
  const rows = await query<{ n: number; ids: string[] }>(
    `select (metadata::jsonb->>'n')::int as n, array_agg(id::text) as ids from jobs group by 1`,
  );
  const idOf = new Map(acknowledged.map(({ n, id }) => [n, parseId("job", id)]));
  const broken = rows
    .filter(({ n, ids }) => ids.length !== 1 || ids[0] !== idOf.get(n))
    .flatMap(({ ids }) => ids.map((id) => formatId("job", id)));
  return { name: "every request made one job", of: rows.length, broken };
}

export async function checkBooks(query: Query): Promise<Check> {
  const rows = await query<{ message_id: string; balanced: boolean }>(
    "select message_id, balanced from books",
  );
  const broken = rows
    .filter(({ balanced }) => !balanced)
    .map(({ message_id }) => formatId("message", message_id));
  return { name: "the books balance", of: rows.length, broken };
}

export async function checkAttemptNumbers(query: Query): Promise<Check> {
  const rows = await query<{ id: string; whole: boolean }>(
    `select d.id, d.attempt_count = (select count(*) from attempts a where a.delivery_id = d.id)
       and d.attempt_count = coalesce((select max(number) from attempts a
         where a.delivery_id = d.id), 0) as whole
     from deliveries d`,
  );
  const broken = rows.filter(({ whole }) => !whole).map(({ id }) => formatId("delivery", id));
  return { name: "attempts are numbered without a gap", of: rows.length, broken };
}

async function checkReplays(query: Query): Promise<Check> {
  const rows = await query<{ id: string; done: boolean }>(
    "select id, status = 'completed' and replayed = matched as done from replays",
  );
  const broken = rows.filter(({ done }) => !done).map(({ id }) => formatId("replay", id));
  return { name: "every replay sent each match again, once", of: rows.length, broken };
}

/** With nothing left to do, nobody holds anything; a wake-up too many is looked after for a moment. */
export async function checkLanes(query: Query): Promise<Check> {
  const deadline = performance.now() + 5_000;
  while (true) {
    const rows = await query<{ id: string; leased: boolean }>(
      "select id, leased_by is not null as leased from lanes",
    );
    const broken = rows.filter(({ leased }) => leased).map(({ id }) => formatId("lane", id));
    if (broken.length === 0 || performance.now() > deadline) {
      return { name: "no lane is held when all is done", of: rows.length, broken };
    }
    await sleep(100);
  }
}
