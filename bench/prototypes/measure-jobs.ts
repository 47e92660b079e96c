import { newId } from "../../src/core/ids.ts";
import { sessionTx } from "../../src/db/transaction.ts";
import { liveJobs, submitJobs } from "./job-lives.ts";
import type { JobVariant } from "./job-lives.ts";
import { JOB_VARIANTS } from "./job-variants.ts";
import { fillKept } from "./kept.ts";
import { measureList } from "./lists.ts";
import { measureCell, openBackends, readSizes } from "./measure.ts";
import { withSubjects } from "./measure-deliveries.ts";
import type { MeasureOptions, Subject } from "./measure-deliveries.ts";
import type { Measured } from "./tables.ts";

/** One, as claims made at once would choose the same jobs, and leave some. */
const BACKENDS = 1;

/** Measures ways to store jobs, in one order and back. */
export async function measureJobs(options: MeasureOptions): Promise<Measured[]> {
  const variants = JOB_VARIANTS.filter(({ name }) => options.only?.includes(name) ?? true);
  return await withSubjects(
    variants.map(({ name }) => name),
    async (index, use) => await open(variants[index]!, options, use),
    options.groups,
  );
}

async function open(
  variant: JobVariant,
  { server, postmaster, seconds, tell }: MeasureOptions,
  use: (subject: Subject) => Promise<void>,
): Promise<void> {
  const accountId = server.fixture.jobs.id;
  const workerId = newId();
  await server.withDatabase(async ({ url, pool }) => {
    if (variant.schema !== "") await pool.query(variant.schema);
    await fillKept(pool, server.fixture, null, 0);
    await pool.query(`do $$ declare week regclass; begin
      for week in select relid from pg_partition_tree('jobs') where isleaf loop
      execute format('alter table %s set (fillfactor = ${variant.fillfactor})', week);
      end loop; end $$`);
    await pool.query(
      `insert into workers (id, hostname, pid, version, roles)
       values ($1, 'prototype', 1, '0', '{compute}')`,
      [workerId],
    );
    const backends = await openBackends(url, BACKENDS);
    const before = await readSizes(pool, variant.tables);
    const costs: Measured["costs"] = {};
    let lives = 0;
    await use({
      async take(size) {
        const cost = await measureCell({
          ...{ postmaster, backends, admin: pool, size, seconds },
          live: async (client, _backend, _turn, mark) => {
            const tx = sessionTx(client);
            lives += await liveJobs(variant, tx, accountId, workerId, size, mark);
          },
        });
        (costs[size] ??= []).push(cost);
        tell(`${variant.name}, ${size} at once: ${JSON.stringify(cost)}`);
        await pool.query(`vacuum analyze ${variant.tables.join(", ")}`);
      },
      async finish() {
        const after = await readSizes(pool, variant.tables);
        const { client } = backends[0]!;
        await submitJobs(variant, sessionTx(client), accountId, 40);
        await pool.query("vacuum analyze");
        const lists: Measured["lists"] = {};
        for (const [name, sql] of Object.entries(variant.lists)) {
          const values = [accountId, accountId, accountId];
          lists[name] = await measureList(client, sql, values, false);
          lists[`${name}, pruned`] = await measureList(client, sql, values, true);
        }
        for (const backend of backends) await backend.client.end();
        return {
          variant: variant.name,
          costs,
          heap: (after.heap - before.heap) / lives,
          indexes: (after.indexes - before.indexes) / lives,
          lists,
        };
      },
    });
  });
}
