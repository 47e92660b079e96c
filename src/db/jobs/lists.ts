import { MAX_LISTED_INPUT } from "../../core/model.ts";
import type { JobStatus, ListedJob } from "../../core/model.ts";
import { createdWithin } from "../created-within.ts";
import { hasPair, type KeyedFilter } from "../search-keys.ts";
import type { Reader } from "../transaction.ts";
import { ANY_COLUMNS, ENDED_COLUMNS, rowById, UNFINISHED_COLUMNS } from "./columns.ts";

export interface JobFilter {
  statuses?: readonly JobStatus[] | undefined;
  types?: readonly string[] | undefined;
  notTypes?: readonly string[] | undefined;
  /** Of these, with this pair of metadata. */
  keyed?: KeyedFilter | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  before?: string | undefined;
  limit: number;
}

type Bind = (value: unknown) => string;

/** Newest first. `before`: the last id of the page before. Times bound created_at, half-open. */
export async function listJobs(
  reader: Reader,
  accountId: string,
  filter: JobFilter,
): Promise<ListedJob[]> {
  const types = filter.types ?? (filter.notTypes && (await listUsedTypes(reader, accountId)));
  const wanted = types?.filter((type) => filter.notTypes?.includes(type) !== true);
  if (filter.statuses?.length === 0 || wanted?.length === 0) return [];
  const values: unknown[] = [accountId];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const { rows } = await reader.query<ListedJob>(textOf(filter, wanted, bind), values);
  return rows;
}

/** The statement of a list: each status, and where all jobs are walked each type, has an index. */
function textOf(
  { statuses, ...filter }: JobFilter,
  types: readonly string[] | undefined,
  bind: Bind,
): string {
  const [status] = statuses ?? [];
  const one = statuses === undefined || statuses.length === 1;
  // so many types that a walk of all jobs passes over few
  const several =
    filter.keyed === undefined &&
    types !== undefined &&
    types.length <= MAX_WALKS &&
    types.length !== 1;
  const spread = several && walkedBy(status) === "j";
  if (one && !spread) return listOf(status, types, filter, bind).text;
  const parts = one ? [status] : [...new Set(statuses)];
  const found = parts.flatMap((part) =>
    several && walkedBy(part) === "j"
      ? types.map((type) => `(${listOf(part, [type], filter, bind).ids})`)
      : [`(${listOf(part, types, filter, bind).ids})`],
  );
  return `with page as (
      select id from (${found.join(" union all ")}) found
      order by id desc limit ${bind(filter.limit)})
    select ${listed(ANY_COLUMNS)} from page cross join ${rowById("jobs", "page.id")} j
    left join ${rowById("unfinished_jobs", "j.id")} u on true
    left join ${rowById("job_ends", "j.id")} e on true
    order by j.id desc`;
}

/**
 * The table whose index is walked, which has fewest other rows: a list of unfinished, failed or
 * canceled jobs reads only such; the others walk all jobs, which nearly all have completed.
 */
function walkedBy(status: JobStatus | undefined): "j" | "u" | "e" {
  if (status === undefined || status === "completed") return "j";
  return status === "pending" || status === "running" ? "u" : "e";
}

/** A list of one status, or of all: the statement, and one of its ids alone. */
function listOf(
  status: JobStatus | undefined,
  types: readonly string[] | undefined,
  filter: Omit<JobFilter, "statuses">,
  bind: Bind,
): { text: string; ids: string } {
  const walked = walkedBy(status);
  const where = [`${walked}.account_id = $1`];
  if (filter.keyed !== undefined) {
    where.push(`${walked}.id = any(${bind(filter.keyed.ids)}::uuid[])`);
    where.push(hasPair("j.metadata", filter.keyed, bind));
  }
  if (types?.length === 1) where.push(`j.type = ${bind(types[0])}`);
  else if (types !== undefined && types.length <= MAX_WALKS) {
    where.push(`j.type = any(${bind(types)})`);
  } else if (filter.notTypes !== undefined) where.push(`j.type <> all(${bind(filter.notTypes)})`);
  where.push(...createdWithin("j.created_at", `${walked}.id`, filter, bind));
  if (filter.before !== undefined) where.push(`${walked}.id < ${bind(filter.before)}`);
  const page = `order by ${walked}.id desc limit ${bind(filter.limit)}`;
  if (status === undefined) {
    const found = `select * from jobs j where ${where.join(" and ")} ${page}`;
    return {
      text: `select ${listed(ANY_COLUMNS)}
        from (${found}) j
        left join ${rowById("unfinished_jobs", "j.id")} u on true
        left join ${rowById("job_ends", "j.id")} e on true
        order by j.id desc`,
      ids: found,
    };
  }
  const sources = {
    j: `jobs j cross join ${rowById("job_ends", "j.id")} e`,
    u: `unfinished_jobs u cross join ${rowById("jobs", "u.id")} j`,
    e: `job_ends e cross join ${rowById("jobs", "e.id")} j`,
  }[walked];
  where.push(`${walked === "u" ? "u" : "e"}.status = ${bind(status)}`);
  const from = `from ${sources} where ${where.join(" and ")} ${page}`;
  return {
    text: `select ${listed(walked === "u" ? UNFINISHED_COLUMNS : ENDED_COLUMNS)} ${from}`,
    ids: `select ${walked}.id ${from}`,
  };
}

/** The most types of which each is walked for itself: a plan with more takes long to make. */
const MAX_WALKS = 200;

/** The types of an account's jobs; one more than `MAX_WALKS` at most, each by a step along an index. */
async function listUsedTypes(reader: Reader, accountId: string): Promise<string[]> {
  const next = (after: string): string =>
    `(select type from jobs where account_id = $1 ${after} order by type limit 1)`;
  const { rows } = await reader.query<{ type: string }>(
    `with recursive found(type) as (
       select ${next("")}
       union all
       select ${next("and type > found.type")} from found where found.type is not null)
     select type from found where type is not null limit ${MAX_WALKS + 1}`,
    [accountId],
  );
  return rows.map(({ type }) => type);
}

/** Columns without long inputs. The length is known without a read of what is stored out of line. */
function listed(columns: string): string {
  return `${columns.replace(
    /\bj\.input\b/,
    `case when octet_length(j.input) <= ${MAX_LISTED_INPUT} then j.input end as input`,
  )}, octet_length(j.input) as input_bytes`;
}
