import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { formatId } from "../../src/core/ids.ts";
import type { FaultDatabase } from "./fault-database.ts";

const LOOK_MS = 250;
/** Whoever could not look for this long knows nothing of the time between. */
const GAP_MS = 2_000;

/** A stream of work that ought to go on: a lane that may send, or the jobs of an account. */
interface Stream {
  id: string;
  kind: "lane" | "account";
  /** Callback origin of the lane, or URL of its endpoint. */
  destination: string | null;
  endpoint_id: string | null;
  ordered: boolean;
  /** Since when the oldest of it has been due (ms since the epoch). */
  due_at: number;
  /** When the account's newest run started. */
  moved_at: number | null;
}

/** For how long a stream with due work got nothing: up to this time, so many milliseconds. */
export interface Silence {
  of: string;
  at: number;
  ms: number;
}

export type WatchedLane = Pick<Stream, "destination" | "endpoint_id" | "ordered">;

export interface Watch {
  /** The longest silence of each stream within the time, longest first. */
  silences(from: number, to: number): Silence[];
  stop(): Promise<void>;
}

/**
 * Looks four times a second at each stream that has due work and is held by nobody's decision (a
 * pause, an open breaker), and notes for how long nothing of it has been started.
 * @param lastArrival when the newest request of a lane arrived; undefined: none yet
 */
export function startWatch(
  database: Pick<FaultDatabase, "connect">,
  lastArrival: (lane: WatchedLane) => number | undefined,
): Watch {
  const seen: Silence[] = [];
  /** Since when each stream has been seen due, look by look. */
  let dueSince = new Map<string, number>();
  let client: pg.Client | null = null;
  let lookedAt = 0;
  let over = false;

  async function look(): Promise<void> {
    client ??= await database.connect();
    const { rows } = await client.query<Stream>(STREAMS);
    const now = Date.now();
    const known = now - lookedAt > GAP_MS ? new Map<string, number>() : dueSince;
    lookedAt = now;
    dueSince = new Map();
    for (const stream of rows) {
      // what was held until a moment ago is due since then
      const since = known.get(stream.id) ?? Math.max(stream.due_at, now - LOOK_MS);
      dueSince.set(stream.id, since);
      const moved = stream.kind === "lane" ? lastArrival(stream) : stream.moved_at;
      const ms = now - Math.max(since, moved ?? 0);
      seen.push({ of: nameOf(stream), at: now, ms: Math.max(0, ms) });
    }
  }

  async function loop(): Promise<void> {
    while (!over) {
      await look().catch(() => {
        // the database is away: nobody can expect anything
        void client?.end().catch(() => undefined);
        client = null;
      });
      await sleep(LOOK_MS);
    }
    await client?.end().catch(() => undefined);
  }
  const looping = loop();

  return {
    silences(from, to) {
      const longest = new Map<string, Silence>();
      for (const { of, at, ms } of seen) {
        if (at < from || at > to) continue;
        const within = { of, at, ms: Math.min(ms, at - from) };
        if (within.ms >= (longest.get(of)?.ms ?? 0)) longest.set(of, within);
      }
      return [...longest.values()].toSorted((a, b) => b.ms - a.ms);
    },
    async stop() {
      over = true;
      await looping;
    },
  };
}

function nameOf({ kind, id, destination, ordered }: Stream): string {
  if (kind === "account") return `jobs of ${formatId("account", id)}`;
  const lane = `${ordered ? "ordered " : ""}${formatId("lane", id)}`;
  return `${lane} to ${destination}`;
}

const STREAMS = `
  with due as (
    select l.id, coalesce(l.origin, e.url) as destination, l.endpoint_id, l.ordered, case when l.ordered then
        (select next_attempt_at from deliveries
         where lane_id = l.id and status = 'pending' and lane_position is not null
         order by lane_position, id limit 1)
      else
        (select next_attempt_at from deliveries where lane_id = l.id and status = 'pending'
         order by next_attempt_at, id limit 1)
      end as at
    from lanes l left join endpoints e on e.id = l.endpoint_id
    where coalesce(l.breaker_until, now()) <= now() and coalesce(e.state, 'active') = 'active'
      and e.deleted_at is null
  )
  select id, 'lane' as kind, destination, endpoint_id, ordered,
    extract(epoch from at)::float8 * 1000 as due_at, null as moved_at
  from due where at <= now()
  union all
  select account_id, 'account', null, null, false,
    extract(epoch from min(next_run_at) filter (where status = 'pending'))::float8 * 1000,
    extract(epoch from max(run_started_at))::float8 * 1000
  from job_states group by account_id
  having min(next_run_at) filter (where status = 'pending') <= now()`;
