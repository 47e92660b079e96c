import type { Subscriber } from "../../core/receivers.ts";
import type { SharedLane, OriginLane } from "./lanes.ts";
import type { Tx } from "../transaction.ts";

export interface ReceiversWanted {
  /** The types of messages by account; endpoints receive if they want one of them, or are named. */
  types: readonly { accountId: string; type: string }[];
  named: readonly string[];
  origins: readonly OriginLane[];
}

export interface FoundReceivers {
  subscribers: (Subscriber & { accountId: string })[];
  /** The lane of each origin asked for; null: no lane yet. */
  originLanes: (string | null)[];
  /** All these lanes, shared as `shareLanes` does. */
  lanes: Map<string, SharedLane>;
}

/** A shared lane, the lane of an origin, or an endpoint. */
interface ReceiverRow {
  laneId: string;
  ordered: boolean | null;
  leased_by: string | null;
  ord: number | null;
  id: string | null;
  accountId: string;
  description: string;
  url: string;
  events: string[];
  disabled: boolean;
  audience: Subscriber["audience"];
}

/** Finds and shares the possible receivers of some messages in one statement, so in one round trip. */
export async function shareReceivers(tx: Tx, wanted: ReceiversWanted): Promise<FoundReceivers> {
  const { rows } = await tx.query<ReceiverRow>({
    name: "share_receivers",
    text: `with wanted as (
        select account_id, array_agg(type) as types
        from unnest($1::uuid[], $2::text[]) as t(account_id, type) group by account_id
      ), subscribers as (
        select e.id, e.account_id, e.lane_id, e.description, e.url, e.events, e.audience,
          e.state = 'disabled' as disabled
        from wanted w cross join lateral (
          select * from endpoints where account_id = w.account_id and deleted_at is null offset 0) e
        where e.audience = 'account'
            and ((e.events = '{}' and w.types <> '{job.progress}') or e.events && w.types)
          or e.id = any($3::uuid[])
      ), origins as (
        select t.ord::int, l.id as lane_id
        from unnest($4::uuid[], $5::text[], $6::boolean[])
          with ordinality as t(account_id, origin, ordered, ord)
        cross join lateral (
          -- a look-up by the key, whatever the planner expects
          select id from lanes
          where account_id = t.account_id and origin = t.origin and ordered = t.ordered
            and endpoint_id is null offset 0) l
      ), held as (
        select id, ordered, leased_by from lanes
        where id = any(array(
          select lane_id from subscribers union all select lane_id from origins))
        order by id for key share
      )
      select id as "laneId", ordered, leased_by, null::int as ord, null::uuid as id,
        null::uuid as "accountId", null as description, null as url, null::text[] as events,
        null as audience,
        null::boolean as disabled
      from held
      union all
      select lane_id, null, null, ord, null, null, null, null, null, null, null from origins
      union all
      (select lane_id, null, null, null, id, account_id, description, url, events, audience, disabled
       from subscribers order by id)`,
    values: [
      wanted.types.map((t) => t.accountId),
      wanted.types.map((t) => t.type),
      wanted.named,
      wanted.origins.map((o) => o.accountId),
      wanted.origins.map((o) => o.origin),
      wanted.origins.map((o) => o.ordered),
    ],
  });
  const found: FoundReceivers = {
    subscribers: [],
    originLanes: wanted.origins.map(() => null),
    lanes: new Map(),
  };
  for (const { laneId, ordered, leased_by, ord, id, ...rest } of rows) {
    if (ordered !== null) found.lanes.set(laneId, { ordered, leased_by });
    else if (ord !== null) found.originLanes[ord - 1] = laneId;
    else if (id !== null) found.subscribers.push({ id, laneId, ...rest });
  }
  return found;
}
