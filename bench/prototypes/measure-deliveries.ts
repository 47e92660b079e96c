import type { Server } from "../database.ts";
import { sessionTx } from "../../src/db/transaction.ts";
import { DELIVERY_VARIANTS } from "./delivery-variants.ts";
import { fillKept } from "./kept.ts";
import { measureList } from "./lists.ts";
import type { ListCost } from "./lists.ts";
import { liveDeliveries, makeDeliveries } from "./lives.ts";
import type { DeliveryVariant } from "./lives.ts";
import { measureCell, openBackends, readSizes } from "./measure.ts";
import type { Measured } from "./tables.ts";

export interface MeasureOptions {
  server: Server;
  postmaster: number;
  kept: number;
  groups: readonly number[];
  seconds: number;
  /** Whether a snapshot stays open, so that no dead row can be removed. */
  pinned: boolean;
  only: readonly string[] | undefined;
  tell(line: string): void;
}

const BACKENDS = 4;
const PENDING = 500;

/** An open database of one variant. */
export interface Subject {
  take(size: number): Promise<void>;
  finish(): Promise<Measured>;
}

/** Measures all variants in turn, in one order and back. */
export async function measureDeliveries(options: MeasureOptions): Promise<Measured[]> {
  const variants = DELIVERY_VARIANTS.filter(({ name }) => options.only?.includes(name) ?? true);
  return await withSubjects(
    variants.map(({ name }) => name),
    async (index, use) => await open(variants[index]!, options, use),
    options.groups,
  );
}

/** Opens all subjects at once, so that their cells can be taken in turn. */
export async function withSubjects(
  names: readonly string[],
  opened: (index: number, use: (subject: Subject) => Promise<void>) => Promise<void>,
  groups: readonly number[],
): Promise<Measured[]> {
  const subjects: Subject[] = [];
  const found: Measured[] = [];
  const next = async (): Promise<void> => {
    if (subjects.length < names.length) {
      await opened(subjects.length, async (subject) => {
        subjects.push(subject);
        await next();
      });
      return;
    }
    for (const size of groups) {
      for (const subject of subjects) await subject.take(size);
      for (const subject of subjects.toReversed()) await subject.take(size);
    }
    for (const subject of subjects) found.push(await subject.finish());
  };
  await next();
  return found;
}

async function open(
  variant: DeliveryVariant,
  { server, kept, postmaster, seconds, pinned, tell }: MeasureOptions,
  use: (subject: Subject) => Promise<void>,
): Promise<void> {
  const { fixture } = server;
  await server.withDatabase(async ({ url, pool }) => {
    if (variant.schema !== "") await pool.query(variant.schema);
    tell(`${variant.name}: filling`);
    await fillKept(pool, fixture, variant, kept);
    await pool.query(FILLFACTORS[variant.name] ?? "");
    const backends = await openBackends(url, BACKENDS);
    for (const { client } of backends) await client.query(variant.session ?? "");
    const pin = (await openBackends(url, 1))[0]!.client;
    if (pinned) {
      await pin.query("begin isolation level repeatable read");
      await pin.query("select");
    }
    const before = await readSizes(pool, variant.tables);
    const costs: Measured["costs"] = {};
    let lives = 0;
    const subject: Subject = {
      async take(size) {
        const cost = await measureCell({
          ...{ postmaster, backends, admin: pool, size, seconds },
          live: async (client, backend, turn, mark) => {
            // no lane is shared by two backends, so each reads what it made
            const lane = fixture.endpoints[((turn * BACKENDS) % 48) + backend]!;
            await liveDeliveries(variant, sessionTx(client), fixture.lanes, lane, size, mark);
            lives += size;
          },
        });
        (costs[size] ??= []).push(cost);
        tell(`${variant.name}, ${size} at once: ${JSON.stringify(cost)}`);
        await pool.query(`vacuum analyze ${variant.tables.join(", ")}`);
      },
      async finish() {
        const after = await readSizes(pool, variant.tables);
        const lists = await measureLists();
        for (const { client } of backends) await client.end();
        await pin.end();
        return {
          variant: variant.name,
          costs,
          heap: (after.heap - before.heap) / lives,
          indexes: (after.indexes - before.indexes) / lives,
          lists,
        };
      },
    };
    const measureLists = async (): Promise<Record<string, ListCost>> => {
      const { client } = backends[0]!;
      const tx = sessionTx(client);
      for (let done = 0; done < PENDING; done += 10) {
        const lane = fixture.endpoints[(done / 10) % 50]!;
        await makeDeliveries(variant, tx, fixture.lanes, lane, 10);
      }
      await pool.query("vacuum analyze");
      const { rows } = await pool.query<{ id: string }>(
        "select message_id as id from deliveries order by id limit 1",
      );
      const values = [fixture.lanes.id, fixture.endpoints[0]!.endpointId, rows[0]!.id];
      const lists: Record<string, ListCost> = {};
      for (const [name, sql] of Object.entries(variant.lists)) {
        lists[name] = await measureList(client, sql, values, false);
        lists[`${name}, pruned`] = await measureList(client, sql, values, true);
      }
      return lists;
    };
    await use(subject);
  });
}

/** Settings of weeks whose rows are updated otherwise than today's. */
const fillfactor = (percent: number): string => `do $$ declare week regclass; begin
  for week in select relid from pg_partition_tree('deliveries') where isleaf loop
    execute format('alter table %s set (fillfactor = ${percent})', week); end loop; end $$`;
const FILLFACTORS: Readonly<Record<string, string>> = {
  ...{ b: fillfactor(100), "b-failed": fillfactor(100), b2: fillfactor(100) },
  ...{ b3: fillfactor(100), c: fillfactor(100), d: fillfactor(70) },
};
