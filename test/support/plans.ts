import pg from "pg";

/** A node of a plan that was carried out. */
export interface Plan {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  Plans?: Plan[];
}

/** A statement as the product issues it. */
export interface Asked {
  text: string;
  values: unknown[];
  /** Planned for its values, not once for any. */
  eachTime: boolean;
}

/** What connections of the product are asked, beside their settings, while `work` goes on. */
export async function listenIn(work: () => Promise<void>): Promise<Asked[]> {
  const asked: Asked[] = [];
  const eachTime = new WeakSet<object>();
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [first, second] = args as [string | { text: string; values?: unknown[] }, unknown[]?];
    const text = typeof first === "string" ? first : first.text;
    const values = (typeof first === "string" ? second : first.values) ?? [];
    if (text === "begin" || text === "commit") eachTime.delete(this);
    else if (text.includes("force_custom_plan")) eachTime.add(this);
    else if (!text.includes("set_config("))
      asked.push({ text, values, eachTime: eachTime.has(this) });
    return (query as (...all: unknown[]) => unknown).apply(this, args);
  } as typeof query;
  try {
    await work();
  } finally {
    pg.Client.prototype.query = query;
  }
  return asked;
}

/**
 * Carries a query out and tells how. A page read in sequence costs what a hundred cost: the
 * planner decides as if the tables had a hundred times the rows, where an index is hardly deeper.
 */
export async function explain(pool: pg.Pool, query: Asked): Promise<Plan> {
  const client = await pool.connect();
  const mode = query.eachTime ? "force_custom_plan" : "force_generic_plan";
  try {
    await client.query(`begin; set local seq_page_cost = 100; set local plan_cache_mode = ${mode}`);
    await client.query(`prepare asked as ${query.text}`);
    return await carryOut(client, "asked", query.values);
  } finally {
    await client.query("rollback; deallocate all");
    client.release();
  }
}

/** Executes a prepared statement and tells how. */
export async function carryOut(
  client: Pick<pg.PoolClient, "query">,
  name: string,
  values: readonly unknown[],
): Promise<Plan> {
  const literals = values.map(literal).join(", ");
  const { rows } = await client.query<{ "QUERY PLAN": { Plan: Plan }[] }>(
    `explain (analyze, timing off, format json)
     execute ${name}${literals === "" ? "" : `(${literals})`}`,
  );
  return rows[0]!["QUERY PLAN"][0]!.Plan;
}

function literal(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Buffer.isBuffer(value)) return `'\\x${value.toString("hex")}'`;
  if (value instanceof Date) return `'${value.toISOString()}'`;
  if (Array.isArray(value))
    return pg.escapeLiteral(`{${value.map((v) => JSON.stringify(v)).join()}}`);
  return pg.escapeLiteral(typeof value === "string" ? value : JSON.stringify(value));
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

/** The indexes that a plan uses, those of partitions by their own names. */
export function indexesOf(plan: Plan): string[] {
  return nodesOf(plan).flatMap(({ "Index Name": name }) => name ?? []);
}

/** How many rows each sort was given. */
export function sortsOf(plan: Plan): number[] {
  return nodesOf(plan)
    .filter((node) => node["Node Type"] === "Sort")
    .map((node) => Math.max(...(node.Plans ?? []).map((one) => one["Actual Rows"])));
}

/** Rows that were fetched from tables, those that a filter threw away as well. */
export function rowsRead(plan: Plan, relations = /^/): number {
  return nodesOf(plan)
    .filter(({ "Relation Name": name }) => name !== undefined && relations.test(name))
    .map(
      (node) =>
        (node["Actual Rows"] +
          (node["Rows Removed by Filter"] ?? 0) +
          (node["Rows Removed by Index Recheck"] ?? 0)) *
        node["Actual Loops"],
    )
    .reduce((a, b) => a + b, 0);
}
