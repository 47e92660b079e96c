import { attachPartition, createDefault, createTable, exclusively, KEY } from "./partitions.ts";
import type { BigTable, Partition } from "./partitions.ts";
import type { Tx } from "../transaction.ts";

import { uuidAt } from "../../core/ids.ts";
import { START } from "./rewrite.ts";
import type { Rewrite } from "./rewrite.ts";

/** Bytes of a batch, about; one unit may have more. */
const BATCH_BYTES = 4_000_000;
const BATCH_UNITS = 500;
/** Rows of a source read per batch. */
const WALKED = { messages: 5_000, jobs: 1_000, default: 1_000 } as const;
/** Approximate bytes of a row beside its texts, of an attempt with its answer. */
const ROW_BYTES = 2_000;
/** Changed units copied per batch, to keep up with changes; fewer may be left to the swap. */
const CHANGES = 500;
const FEW_CHANGES = 100;
const LETTERS = 1_000;

/** Makes the targets, and has the sources note what changes in them from now on. */
export async function beginRewrite(tx: Tx, rewrite: Rewrite): Promise<void> {
  await planForFew(tx);
  for (const target of partitionsOf(rewrite)) await createTable(tx, target, true);
  if (rewrite.what === "default") {
    await createDefault(tx, rewrite.tables[0]!, `${rewrite.tables[0]!}_default_next`);
  }
  if (rewrite.what === "messages") await noteStraddling(tx, rewrite);
  await storeRewrite(tx, rewrite);
  await exclusively(
    tx,
    rewrite.sources.map(({ name }) => name),
    {
      text: rewrite.sources
        .map(
          ({ table, name }) =>
            `create trigger note_change after insert or update or delete on ${name}
             for each row execute function note_partition_change('${unitOf(rewrite, table)}');\n`,
        )
        .join(""),
    },
  );
}

function unitOf({ what }: Rewrite, table: BigTable): string {
  if (what !== "messages") return KEY[table];
  const units = { messages: "id", deliveries: "message_id", attempts: "" };
  return units[table as keyof typeof units];
}

/** Notes the messages in the sources with deliveries outside of them. */
async function noteStraddling(tx: Tx, { sources, until }: Rewrite): Promise<void> {
  const { rows } = await tx.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'deliveries'::regclass`,
  );
  const own = new Set(sources.map(({ name }) => name));
  for (const { name } of rows.filter((partition) => !own.has(partition.name))) {
    await tx.query(
      `insert into partition_changes (unit) select message_id from ${name} where message_id < $1`,
      [until],
    );
  }
}

/** Copies one batch. Returns the rewrite, unchanged when nothing was left in this phase. */
export async function continueRewrite(tx: Tx, rewrite: Rewrite): Promise<Rewrite> {
  await planForFew(tx);
  if (rewrite.phase === "copying") return await copyNext(tx, rewrite);
  if (rewrite.phase === "following") return await followChanges(tx, rewrite);
  return await forgetLetters(tx, rewrite);
}

/** Settings for statements on few rows of big tables, some of which are not analyzed yet. */
async function planForFew(tx: Tx): Promise<void> {
  await tx.query(`select set_config(name, 'off', true) from unnest($1::text[]) name`, [
    ["jit", "enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin"],
  ]);
}

async function copyNext(tx: Tx, rewrite: Rewrite): Promise<Rewrite> {
  const walked = walkedTables(rewrite);
  const source = walked[rewrite.source];
  if (source === undefined) {
    for (const name of targetNames(rewrite)) await tx.query(`analyze ${name}`);
    return await store(tx, { ...rewrite, phase: "following" });
  }
  const { rows } = await tx.query<{ at: string; unit: string | null; weight: number }>(
    walk(rewrite, source.name),
    [rewrite.position, rewrite.until, WALKED[rewrite.what]],
  );
  const last = rows.at(-1);
  if (last === undefined) return await store(tx, { ...rewrite, source: rewrite.source + 1 });
  const units = new Set<string>();
  let position = last.at;
  let bytes = 0;
  for (const { at, unit, weight } of rows) {
    if (unit === null) continue;
    if (units.size === BATCH_UNITS || (units.size > 0 && bytes + weight > BATCH_BYTES)) break;
    units.add(unit);
    bytes += weight;
    position = at;
  }
  // all rows read, unless their units were too big
  if (units.size === new Set(rows.flatMap(({ unit }) => unit ?? [])).size) position = last.at;
  if (units.size > 0) await copy(tx, rewrite, [...units]);
  return await store(tx, { ...rewrite, position });
}

/** The sources to read: messages and attempts are kept by their deliveries, ends by their jobs. */
function walkedTables({ what, sources }: Rewrite): Rewrite["sources"] {
  if (what === "default") return sources;
  const walked = { messages: "deliveries", jobs: "jobs" }[what];
  return sources.filter(({ table }) => table === walked);
}

/** SQL of units in order of the ids read; the last row has the last id read, and no unit. */
function walk(rewrite: Rewrite, source: string): string {
  const { what, endedSince } = rewrite;
  if (what === "messages") {
    return read(
      `select id as at, message_id, job_id, status, finished_at from ${source} where id > $1 and id < $2 order by id limit $3`,
      `select w.at, w.message_id as unit,
         (select sum(s.body_bytes + ${ROW_BYTES} * (1 + s.attempt_count))
          from deliveries s where s.message_id = w.message_id)::float8 as weight
       from walked w where ${isWanted(rewrite, "w", "w.at")}
         or w.finished_at >= '${endedSince}' or w.message_id >= $2`,
    );
  }
  if (what === "jobs") {
    return read(
      `select id as at, octet_length(input) as bytes
       from ${source} where id > $1 and id < $2 order by id limit $3`,
      `select w.at, w.at as unit,
         w.bytes + coalesce(octet_length(e.result), 0) + ${ROW_BYTES}::float8 as weight
       from walked w left join job_ends e on e.id = w.at
       where ${isNeeded(rewrite, "w.at")}`,
    );
  }
  const table = rewrite.tables[0]!;
  const bytes = {
    jobs: "octet_length(input)",
    job_ends: "coalesce(octet_length(result), 0)",
    messages: "octet_length(body)",
    deliveries: "0",
    attempts: "coalesce(octet_length(response_body), 0)",
    search_keys: "0",
  }[table];
  return read(
    `select ${KEY[table]} as at, ${bytes} as bytes from ${source}
     where ${KEY[table]} > $1 and ${KEY[table]} < $2 order by ${KEY[table]} limit $3`,
    `select w.at, w.at as unit, sum(w.bytes + ${ROW_BYTES})::float8 as weight from walked w group by w.at`,
  );
}

function read(walked: string, needed: string): string {
  return `with walked as materialized (${walked}), needed as (${needed})
    select at, unit, weight from needed
    union all (select at, null, 0 from walked order by at desc limit 1)
    order by at, unit nulls last`;
}

/** A delivery `d` that is on its way, or a dead letter that may be replayed. */
function isWanted({ diedSince }: Rewrite, d: string, id = `${d}.id`): string {
  return `(${d}.status = 'pending' or ${d}.status = 'dead' and exists (
    select from dead_letters l where l.delivery_id = ${id} and l.created_at >= '${diedSince}'))`;
}

/** Whether webhooks that are not delivered or given up yet still point to a job. */
function isAwaited(rewrite: Rewrite, job: string): string {
  return `exists (select from deliveries d where d.job_id = ${job} and ${isWanted(rewrite, "d")})`;
}

/** Whether a job is needed, by its row `e` of `job_ends`, if it has one. */
function isNeeded(rewrite: Rewrite, job: string): string {
  return `(e.id is null or e.finished_at >= '${rewrite.endedSince}' or ${isAwaited(rewrite, job)})`;
}

async function followChanges(tx: Tx, rewrite: Rewrite): Promise<Rewrite> {
  const { rows } = await tx.query<{ unit: string }>(
    `delete from partition_changes where seq in (
       select seq from partition_changes order by seq limit $1) returning unit`,
    [CHANGES],
  );
  if (rows.length > 0) await copy(tx, rewrite, [...new Set(rows.map(({ unit }) => unit))]);
  return rows.length < FEW_CHANGES ? rewrite : { ...rewrite };
}

async function copy(tx: Tx, rewrite: Rewrite, units: readonly string[]): Promise<void> {
  await tx.query(
    `do $block$ ${DECLARE} begin
       units := '{${units.join(",")}}';
       ${copyUnits(rewrite)} end $block$`,
  );
}

const DECLARE = "declare units uuid[]; kept uuid[]; unused text[];";

/** Statements that give the targets the needed rows of `units`, whatever they had before. */
function copyUnits(rewrite: Rewrite): string {
  const { what, until, endedSince, targets } = rewrite;
  if (what === "messages") {
    const [messages, deliveries, attempts] = targets.map(({ name }) => name);
    return `
      delete from ${attempts} where delivery_id in (
        select id from ${deliveries} where message_id = any(units));
      delete from ${deliveries} where message_id = any(units);
      delete from ${messages} where id = any(units);
      kept := array(select distinct d.message_id from deliveries d
        where d.message_id = any(units) and (${isWanted(rewrite, "d")}
          or d.finished_at >= '${endedSince}' or d.id >= '${until}' or d.message_id >= '${until}'));
      insert into ${messages} select * from messages where id = any(kept) and id < '${until}';
      insert into ${deliveries} select * from deliveries
        where message_id = any(kept) and id < '${until}';
      insert into ${attempts} select a.* from ${deliveries} d
        join attempts a on a.delivery_id = d.id where d.message_id = any(kept);`;
  }
  if (what === "jobs") {
    const [jobs, ends] = targets.map(({ name }) => name);
    return `
      delete from ${jobs} where id = any(units);
      delete from ${ends} where id = any(units);
      insert into ${jobs} select j.* from jobs j left join job_ends e on e.id = j.id
        where j.id = any(units) and j.id < '${until}' and ${isNeeded(rewrite, "j.id")};
      insert into ${ends} select e.* from ${jobs} j join job_ends e on e.id = j.id
        where j.id = any(units);`;
  }
  const table = rewrite.tables[0]!;
  const key = KEY[table];
  const within = targets.map(
    ({ from, to }) =>
      `${key} >= '${uuidAt(new Date(from))}' and ${key} < '${uuidAt(new Date(to))}'`,
  );
  const into = (name: string, where: string): string => `
    delete from ${name} where ${key} = any(units);
    insert into ${name} select * from ${table}_default where ${key} = any(units) and ${where};`;
  return [
    ...targets.map(({ name }, n) => into(name, within[n]!)),
    into(`${table}_default_next`, `not (${within.map((one) => `(${one})`).join(" or ")})`),
  ].join("");
}

/**
 * Replaces the sources by the targets, in one block; the last changes are copied under the locks.
 * Returns the rest of the rewrite.
 * @throws errors of `isPutOff`, with nothing changed
 */
export async function swapPartitions(tx: Tx, rewrite: Rewrite): Promise<Rewrite | null> {
  const { what, tables, sources } = rewrite;
  await planForFew(tx);
  const next: Rewrite | null =
    what === "messages" ? { ...rewrite, phase: "forgetting", position: START } : null;
  await storeRewrite(tx, next);
  const detach = sources.map(
    ({ table, name }) => `alter table ${table} detach partition ${name};\n`,
  );
  const gone = sources.map(({ name }) => `'${name}'`).join(",");
  const defaults = tables.map((table) => `${table}_default`);
  await exclusively(
    tx,
    [...new Set([...tables, ...sources.map(({ name }) => name), ...defaults])].concat(
      targetNames(rewrite),
    ),
    {
      declare: DECLARE,
      text: `
        lock table ${tables.map((table) => `only ${table}`).join(", ")} in access exclusive mode;
        with changed as (delete from partition_changes returning unit)
          select array_agg(distinct unit) into units from changed;
        ${copyUnits(rewrite)}
        ${detach.join("")}
        unused := '{}';
        ${what === "default" ? takeDefault(rewrite) : takeKept(rewrite)}
        update retention set gone = array[${what === "default" ? `'${tables[0]!}_default_gone'` : gone}] || unused;`,
    },
  );
  return next;
}

/** A statement that makes the kept rows a partition, if there are any. */
function takeKept(rewrite: Rewrite): string {
  const names = targetNames(rewrite);
  const found = names.map((name) => `exists (select from ${name})`).join(" or ");
  return `if ${found} then ${attachTargets(rewrite)}
    else unused := array[${names.map((name) => `'${name}'`).join(",")}]; end if;`;
}

function takeDefault(rewrite: Rewrite): string {
  const table = rewrite.tables[0]!;
  return `${attachTargets(rewrite)}
    alter table ${table}_default rename to ${table}_default_gone;
    alter table ${table}_default_next rename to ${table}_default;
    alter table ${table} attach partition ${table}_default default;`;
}

/** Attaches the targets. A constraint bounds their rows, so no scan is needed. */
function attachTargets(rewrite: Rewrite): string {
  return partitionsOf(rewrite)
    .map((one) => `${attachPartition(one)}alter table ${one.name} drop constraint bounds;\n`)
    .join("");
}

function partitionsOf({ targets }: Rewrite): Partition[] {
  return targets.map((target) => ({
    ...target,
    from: new Date(target.from),
    to: new Date(target.to),
  }));
}

function targetNames({ what, tables, targets }: Rewrite): string[] {
  const names = targets.map(({ name }) => name);
  return what === "default" ? [...names, `${tables[0]!}_default_next`] : names;
}

/** Deletes dead letters whose deliveries went with a week. */
async function forgetLetters(tx: Tx, rewrite: Rewrite): Promise<Rewrite> {
  const { rows } = await tx.query<{ last: string | null }>(
    `with walked as materialized (
       select delivery_id from dead_letters where delivery_id > $1 and delivery_id < $2
       order by delivery_id limit $3
     ), gone as (
       delete from dead_letters where delivery_id in (select w.delivery_id from walked w
         where not exists (select from deliveries d where d.id = w.delivery_id))
     )
     select (select delivery_id from walked order by delivery_id desc limit 1) as last`,
    [rewrite.position, rewrite.until, LETTERS],
  );
  const last = rows[0]!.last;
  if (last === null) return rewrite;
  return await store(tx, { ...rewrite, position: last });
}

async function store(tx: Tx, rewrite: Rewrite): Promise<Rewrite> {
  await storeRewrite(tx, rewrite);
  return rewrite;
}

export async function storeRewrite(tx: Tx, rewrite: Rewrite | null): Promise<void> {
  await tx.query(`update retention set rewrite = $1`, [
    rewrite === null ? null : JSON.stringify(rewrite),
  ]);
}
