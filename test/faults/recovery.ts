import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Incident } from "./incident.ts";
import type { FaultDatabase } from "./fault-database.ts";

/** Longer than this is no recovery. */
const LIMIT_MS = 40_000;
const LOOK_MS = 25;

/** The oldest work that an incident held up, and where it stood. */
interface HeldUp {
  job: { id: string; run: number; status: string } | null;
  delivery: { id: string; attempt_count: number } | null;
}

/**
 * How long the work that an incident held up took to go on: from the moment the dependency was
 * back or the process dead, until both the oldest job that was running or due (of the dead worker,
 * if one died) and the oldest delivery that was due (in its lanes) have taken their next step: the
 * job claimed again or ended, the delivery attempted or ended. Null: nothing was held up. Infinity:
 * it took longer than 40 s.
 */
export async function measureRecovery(
  database: Pick<FaultDatabase, "connect">,
  incident: Incident,
): Promise<{ ms: number | null; last: string }> {
  const client = await database.connect();
  let last = "nothing";
  try {
    const heldUp = await findHeldUp(client, incident.workerId);
    if (heldUp.job === null && heldUp.delivery === null) return { ms: null, last };
    while (Date.now() - incident.to < LIMIT_MS) {
      const waiting = await findWaiting(client, heldUp);
      if (waiting === null) return { ms: Math.max(0, Date.now() - incident.to), last };
      last = waiting;
      await sleep(LOOK_MS);
    }
    return { ms: Infinity, last };
  } catch {
    // the next fault has come: there is nothing to learn from this one
    return { ms: null, last };
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function findHeldUp(client: pg.Client, workerId: string | null): Promise<HeldUp> {
  const jobs = await client.query<NonNullable<HeldUp["job"]>>(
    `select id, run, status from job_states
     where case when $1::uuid is null then status = 'running'
         or (status = 'pending' and next_run_at <= now())
       else status = 'running' and worker_id = $1 end
     order by coalesce(run_started_at, next_run_at) limit 1`,
    [workerId],
  );
  const deliveries = await client.query<NonNullable<HeldUp["delivery"]>>(
    `select d.id, d.attempt_count from deliveries d join lanes l on l.id = d.lane_id
     where d.status = 'pending' and d.next_attempt_at <= now()
       and ($1::uuid is null or l.leased_by = $1) and coalesce(l.breaker_until, now()) <= now()
       and (not l.ordered or not exists (select from deliveries o where o.lane_id = l.id
         and o.status = 'pending' and o.lane_position < d.lane_position))
     order by d.next_attempt_at limit 1`,
    [workerId],
  );
  return { job: jobs.rows[0] ?? null, delivery: deliveries.rows[0] ?? null };
}

/** What of it stands where it stood. */
async function findWaiting(client: pg.Client, { job, delivery }: HeldUp): Promise<string | null> {
  if (job !== null) {
    const { rows } = await client.query<{ moved: boolean }>(
      `select run > $2 or finished_at is not null
         or ($3 = 'running' and status = 'pending' and next_run_at > now()) as moved
       from job_states where id = $1`,
      [job.id, job.run, job.status],
    );
    if (rows[0]?.moved !== true) return `${job.status} job ${job.id}`;
  }
  if (delivery === null) return null;
  const { rows } = await client.query<{ moved: boolean; url: string }>(
    `select attempt_count > $2 or status <> 'pending' as moved, url from deliveries where id = $1`,
    [delivery.id, delivery.attempt_count],
  );
  return rows[0]?.moved === true ? null : `delivery ${delivery.id} to ${rows[0]?.url}`;
}
