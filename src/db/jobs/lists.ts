import { MAX_LISTED_INPUT } from "../../core/model.ts";
import type { JobStatus, ListedJob } from "../../core/model.ts";
import { createdWithin } from "../created-within.ts";
import { hasPair, type KeyedFilter } from "../search-keys.ts";
import type { Reader } from "../transaction.ts";
import { ANY_COLUMNS, ENDED_COLUMNS, rowById, UNFINISHED_COLUMNS } from "./columns.ts";

export interface JobFilter {
  status?: JobStatus | undefined;
  type?: string | undefined;
  /** Of these, with this pair of metadata. */
  keyed?: KeyedFilter | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  before?: string | undefined;
  limit: number;
}

/** Newest first. `before`: the last id of the page before. Times bound created_at, half-open. */
export async function listJobs(
  reader: Reader,
  accountId: string,
  filter: JobFilter,
): Promise<ListedJob[]> {
  const values: unknown[] = [accountId];
  const { text } = listOf(filter, (value) => `$${values.push(value)}`);
  const { rows } = await reader.query<ListedJob>(text, values);
  return rows;
}

/**
 * The statement of a list. It walks the index of the table that has fewest other rows, and looks up
 * the rest by id: a list of unfinished, failed or canceled jobs reads only such; the others walk all
 * jobs, which nearly all have completed.
 */
function listOf(filter: JobFilter, bind: (value: unknown) => string): { text: string } {
  const { status, type, keyed, before, limit } = filter;
  const walked =
    status === undefined || status === "completed"
      ? "j"
      : status === "pending" || status === "running"
        ? "u"
        : "e";
  const where = [`${walked}.account_id = $1`];
  if (keyed !== undefined) {
    where.push(`${walked}.id = any(${bind(keyed.ids)}::uuid[])`);
    where.push(hasPair("j.metadata", keyed, bind));
  }
  if (type !== undefined) where.push(`j.type = ${bind(type)}`);
  where.push(...createdWithin("j.created_at", `${walked}.id`, filter, bind));
  if (before !== undefined) where.push(`${walked}.id < ${bind(before)}`);
  const page = (): string => `order by ${walked}.id desc limit ${bind(limit)}`;
  if (status === undefined) {
    return {
      text: `select ${listed(ANY_COLUMNS)}
        from (select * from jobs j where ${where.join(" and ")} ${page()}) j
        left join ${rowById("unfinished_jobs", "j.id")} u on true
        left join ${rowById("job_ends", "j.id")} e on true
        order by j.id desc`,
    };
  }
  const sources = {
    j: `jobs j cross join ${rowById("job_ends", "j.id")} e`,
    u: `unfinished_jobs u cross join ${rowById("jobs", "u.id")} j`,
    e: `job_ends e cross join ${rowById("jobs", "e.id")} j`,
  }[walked];
  where.push(`${walked === "u" ? "u" : "e"}.status = ${bind(status)}`);
  return {
    text: `select ${listed(walked === "u" ? UNFINISHED_COLUMNS : ENDED_COLUMNS)} from ${sources}
      where ${where.join(" and ")} ${page()}`,
  };
}

/** Columns without long inputs. The length is known without a read of what is stored out of line. */
function listed(columns: string): string {
  return `${columns.replace(
    /\bj\.input\b/,
    `case when octet_length(j.input) <= ${MAX_LISTED_INPUT} then j.input end as input`,
  )}, octet_length(j.input) as input_bytes`;
}
