import type pg from "pg";
import { newApiKey } from "../src/core/api-key.ts";
import { ENDPOINT_DEFAULTS } from "../src/core/endpoint.ts";
import { createVault } from "../src/core/vault.ts";
import type { Vault } from "../src/core/vault.ts";
import { singleStatement } from "../src/db/transaction.ts";
import { ensureAccount } from "../src/flow/accounts/accounts.ts";
import { addApiKey } from "../src/flow/accounts/api-keys.ts";
import { createEndpoint } from "../src/flow/accounts/endpoints.ts";
import type { Bench } from "./bench.ts";
import { settleDown } from "./prepare.ts";

/** A tenant of the benchmark. */
export interface BenchAccount {
  id: string;
  apiKey: string;
}

/** One endpoint of an account; its lane gets events of one type of its own. */
export interface BenchLane {
  laneId: string;
  endpointId: string;
  url: string;
  eventType: string;
}

/** An account with endpoints. */
export interface LaneOwner extends BenchAccount {
  endpoints: BenchLane[];
}

export const FAN_OUT_EVENT = "bench.fan-out";

interface Place {
  pool: pg.Pool;
  vault: Vault;
}

/** Connections that set up at once. */
const WIDTH = 8;

export async function makeAccount(place: Place, name: string): Promise<BenchAccount> {
  const made = { id: await ensureAccount(place, name), apiKey: newApiKey() };
  const key = { accountId: made.id, name: "bench", text: made.apiKey };
  await addApiKey(singleStatement(place.pool), { ...key, scopes: ["admin"] });
  return made;
}

/** Endpoint n of an account wants `bench.lane-<n>` and the event that all want. */
export async function makeLanes(
  place: Place,
  accountId: string,
  baseUrl: string,
  count: number,
  mostInFlight: (number: number) => number = () => ENDPOINT_DEFAULTS.max_in_flight,
): Promise<BenchLane[]> {
  return await makeAll(count, async (number) => {
    const eventType = `bench.lane-${number}`;
    const { endpoint } = await createEndpoint(place, {
      accountId,
      secret: null,
      url: `${baseUrl}/lane/${number}/`,
      ...ENDPOINT_DEFAULTS,
      events: [eventType, FAN_OUT_EVENT],
      headers: {},
      max_in_flight: mostInFlight(number),
    });
    const { id: endpointId, lane_id: laneId, url } = endpoint;
    return { laneId, endpointId, url, eventType };
  });
}

/** Accounts with as many endpoints each, in one database alone. */
export async function addLaneOwners(
  { fixture, receiverUrl }: Pick<Bench, "fixture" | "receiverUrl">,
  { pool }: { pool: pg.Pool },
  { accounts, endpoints }: { accounts: number; endpoints: number },
): Promise<LaneOwner[]> {
  const place = { pool, vault: createVault([fixture.masterKey]) };
  const made = await makeAll(accounts, (number) => makeAccount(place, `owner-${number}`));
  const owners = await makeAll(accounts, async (number): Promise<LaneOwner> => {
    const account = made[number]!;
    const url = `${receiverUrl}/owner/${number}`;
    return { ...account, endpoints: await makeLanes(place, account.id, url, endpoints) };
  });
  await settleDown(pool);
  return owners;
}

async function makeAll<T>(count: number, make: (number: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) made[number] = await make(number);
  };
  await Promise.all(Array.from({ length: WIDTH }, work));
  return made;
}
