import type pg from "pg";

export interface ListCost {
  planMs: number;
  runMs: number;
  rows: number;
  buffers: number;
}

const TIMES = 15;

interface Explained {
  "Planning Time": number;
  "Execution Time": number;
  Plan: {
    "Actual Rows": number;
    "Shared Hit Blocks": number;
    "Shared Read Blocks": number;
  };
}

/** The median cost of a list, planned each time for its values, as the product's lists are. */
export async function measureList(
  client: pg.Client,
  sql: string,
  values: readonly string[],
  pruning: boolean,
): Promise<ListCost> {
  await client.query("set plan_cache_mode = force_custom_plan");
  await client.query(`set enable_partition_pruning = ${pruning ? "on" : "off"}`);
  // every parameter has a type, whether the list has it or not
  const text = `explain (analyze, buffers, timing off, format json)
    with given as (select $1::uuid, $2::uuid, $3::uuid) ${sql}`;
  const found: Explained[] = [];
  const from = performance.now();
  for (let turn = 0; turn < TIMES && performance.now() - from < 20_000; turn += 1) {
    const { rows } = await client.query<{ "QUERY PLAN": Explained[] }>(text, [...values]);
    found.push(rows[0]!["QUERY PLAN"][0]!);
  }
  await client.query("set plan_cache_mode = force_generic_plan");
  await client.query("set enable_partition_pruning = off");
  const median = (read: (one: Explained) => number): number =>
    found.map(read).sort((a, b) => a - b)[found.length >> 1]!;
  return {
    planMs: median((one) => one["Planning Time"]),
    runMs: median((one) => one["Execution Time"]),
    rows: median((one) => one.Plan["Actual Rows"]),
    buffers: median((one) => one.Plan["Shared Hit Blocks"] + one.Plan["Shared Read Blocks"]),
  };
}
