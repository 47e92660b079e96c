import { rowsAs } from "../rows.ts";
import type { Tx } from "../transaction.ts";

/** Messages that an endpoint did not get, as it was disabled. */
export interface Skipped {
  endpointId: string;
  count: number;
  /** Creation of the first. */
  since: Date;
}

const SKIPPED = rowsAs<Skipped>("t", {
  endpoint_id: ["uuid", ({ endpointId }) => endpointId],
  count: "bigint",
  since: "timestamptz",
});

const PRODUCERS = "hashtextextended('ringback skipped messages', 0)";

/**
 * The endpoints, of these, that are disabled. Producers that leave endpoints out are known by a
 * shared lock from before the look until they commit.
 */
export async function findDisabled(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  const [, { rows }] = await Promise.all([
    tx.query({ name: "be_known", text: `select pg_advisory_xact_lock_shared(${PRODUCERS})` }),
    tx.query<{ id: string }>({
      name: "find_disabled",
      text: "select id from endpoints where id = any($1::uuid[]) and state = 'disabled'",
      values: [ids],
    }),
  ]);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Waits for all producers that leave endpoints out. Those that come later find an endpoint enabled
 * that is so by now.
 */
export async function awaitProducers(tx: Tx): Promise<void> {
  await tx.query({ name: "await_producers", text: `select pg_advisory_xact_lock(${PRODUCERS})` });
}

/** Rows of one endpoint: sessions seldom share one. */
const SLOTS = 16;

/** Counts what endpoints did not get, with the messages. */
export async function countSkipped(tx: Tx, skipped: readonly Skipped[]): Promise<void> {
  await tx.query({
    name: "count_skipped",
    text: `insert into skipped_messages as s (endpoint_id, slot, count, since)
      select endpoint_id, pg_backend_pid() % ${SLOTS}, count, since from ${SKIPPED.sql}
      order by endpoint_id
      on conflict (endpoint_id, slot) do update
        set count = s.count + excluded.count, since = least(s.since, excluded.since)`,
    values: SKIPPED.values(skipped),
  });
}

/** Forgets what an endpoint did not get, once it was sent. */
export async function forgetSkipped(tx: Tx, endpointId: string): Promise<void> {
  await tx.query(`delete from skipped_messages where endpoint_id = $1`, [endpointId]);
}
