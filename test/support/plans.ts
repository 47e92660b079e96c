import type pg from "pg";

/** A node of a plan that was carried out. */
export interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: Plan[];
}

/**
 * Carries a query out and tells how. A page read in sequence costs what a hundred cost: the
 * planner decides as if the tables had a hundred times the rows, where an index is hardly deeper.
 */
export async function explain(
  pool: pg.Pool,
  { text, values }: { text: string; values: unknown[] },
): Promise<Plan> {
  const client = await pool.connect();
  try {
    await client.query("begin; set local seq_page_cost = 100");
    const { rows } = await client.query<{ "QUERY PLAN": { Plan: Plan }[] }>(
      `explain (analyze, timing off, format json) ${text}`,
      values,
    );
    return rows[0]!["QUERY PLAN"][0]!.Plan;
  } finally {
    await client.query("rollback");
    client.release();
  }
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** The tables read as a whole. */
export function scansOf(plan: Plan): { node: string; relation: string }[] {
  return nodesOf(plan)
    .filter((node) => node["Node Type"] === "Seq Scan" && node["Actual Loops"] > 0)
    .map((node) => ({ node: node["Node Type"], relation: node["Relation Name"] ?? "" }));
}

/** How many rows each sort was given. */
export function sortsOf(plan: Plan): number[] {
  return nodesOf(plan)
    .filter((node) => node["Node Type"] === "Sort")
    .map((node) => Math.max(...(node.Plans ?? []).map((one) => one["Actual Rows"])));
}

/** Rows that were fetched from tables, those that a filter threw away as well. */
export function rowsRead(plan: Plan): number {
  return nodesOf(plan)
    .filter((node) => node["Relation Name"] !== undefined)
    .map(
      (node) =>
        (node["Actual Rows"] +
          (node["Rows Removed by Filter"] ?? 0) +
          (node["Rows Removed by Index Recheck"] ?? 0)) *
        node["Actual Loops"],
    )
    .reduce((a, b) => a + b, 0);
}
