import type { Command } from "commander";
import { DEFAULT_CALLBACK_EVENTS, JOB_STATUSES } from "../../core/model.ts";
import { usageError } from "../exit.ts";
import { examples, onApi } from "../api/command.ts";
import type { Cli } from "../api/command.ts";
import {
  collect,
  collectList,
  oneOrMore,
  hasTextFields,
  positiveNumber,
  readFields,
  readInput,
  wholeNumber,
  readSecret,
} from "../api/input.ts";
import { jobColumns, showJob, showJson } from "../api/job-view.ts";
import { rangeOf, showList, withPaging, withRange } from "../api/list.ts";
import type { ListOptions, RangeOptions } from "../api/list.ts";
import { queryOf } from "../api/query.ts";
import { runReplay } from "../api/run-replay.ts";
import type { QueryOf } from "../../client/caller.ts";
import type { CliSession } from "../api/session.ts";
import { streamActivity } from "../api/stream-activity.ts";
import type { FailedJobGroup } from "../../client/openapi-types.ts";
import type { TextColumn } from "../output/table.ts";
import { relative } from "../output/times.ts";
import { howOf, withSending } from "./replays.ts";
import type { OrderOptions } from "./replays.ts";
import { addTimeline } from "./timeline.ts";
import { waitAndShow } from "../api/wait-for-job.ts";

interface SubmitFlags {
  input?: string;
  callback?: string[];
  callbackSecret?: string;
  endpoint?: string[];
  events?: string[];
  idempotencyKey?: string;
  metadata?: string[];
  timeoutS?: number;
  wait?: true | number;
}

/** `ringback jobs …` */
export function addJobs(cli: Cli, program: Command): void {
  const jobs = program.command("jobs").description("submit jobs and follow them");
  addSubmit(cli, jobs);

  examples(
    onApi(
      cli,
      jobs.command("get <id>").description("look at a job"),
      async (session, id: string) => {
        const { data } = await session.client.jobs.get(id);
        session.out.answer(data, () => showJob(session, data));
      },
    ),
    "jobs get job_01…",
  );
  examples(
    onApi(
      cli,
      jobs.command("result <id>").description("print a job's result; it must have completed"),
      async (session, id: string) => {
        const result = await session.client.request("GET /v1/jobs/{id}/result", { id });
        session.out.answer(result, () => showJson(session, result));
      },
    ),
    "jobs result job_01… --json > summary.json",
  );
  const wait = jobs
    .command("wait <id>")
    .description("wait for a job to end and print it with its result; 1 when it failed")
    .option("--timeout <seconds>", "give up after so long, with 124", positiveNumber);
  examples(
    onApi(cli, wait, async (session, id: string, { timeout }: { timeout?: number }) => {
      return await waitAndShow(session, await session.client.jobs.get(id), timeout ?? Infinity);
    }),
    "jobs wait job_01… --timeout 60",
  );
  const cancel = jobs.command("cancel <id>").description("cancel a job");
  onApi(cli, cancel, async (session, id: string) => {
    const body = await session.client.request("POST /v1/jobs/{id}/cancel", { id, body: {} });
    session.out.answer(body, () => showJob(session, body));
  });
  examples(cancel, "jobs cancel job_01…");
  addList(cli, jobs);
  addRetries(cli, jobs);
  addTimeline(cli, jobs);
  const activity = jobs
    .command("activity <id>")
    .description("follow a job live, to its end; with --json one JSON document a line");
  onApi(cli, activity, async (session, id: string) => {
    const job = await session.client.jobs.get(id);
    await streamActivity(session, job.activity({ signal: session.interrupted }));
  });
  examples(activity, "jobs activity job_01…", "jobs activity job_01… --json | jq .type");
}

function addSubmit(cli: Cli, jobs: Command): void {
  const submit = jobs
    .command("submit <type> [fields...]")
    .description("submit a job")
    .usage("<type> [key=text] [key:=json] [key=@file] [options]")
    .option("--input <json>", "the input: JSON, @file, or - for standard input; fields go on top")
    .option("--callback <url>", "call this URL when it ends; may be repeated", collect)
    .option(
      "--callback-secret <secret>",
      "sign for these URLs with it instead of their origins' secrets: whsec_…, @file, or - for standard input",
    )
    .option("--endpoint <id>", "call this endpoint when it ends; may be repeated", collect)
    .option(
      "--events <list>",
      `what to call them for (default: ${DEFAULT_CALLBACK_EVENTS.join(",")})`,
      collectList,
    )
    .option("--idempotency-key <key>", "submit it once, however often this is run")
    .option("--metadata <key=value>", "comes back with each event; may be repeated", collect)
    .option("--timeout-s <seconds>", "the longest a run may take", wholeNumber)
    .option(
      "--wait [seconds]",
      "wait for the end, print the result; 1 when it failed, 124 when time is up",
      positiveNumber,
    );
  onApi(cli, submit, submitJob);
  examples(
    submit,
    "jobs submit demo.echo hello=world --wait",
    "jobs submit demo.sleep ms=3000 --callback http://127.0.0.1:4000/",
    "jobs submit csv.summary csv=@weather.csv group_by=weather --wait 60",
    "jobs submit csv.summary --input @input.json --idempotency-key rain-1",
    "jobs submit csv.summary --input - --json < input.json",
  );
}

async function submitJob(
  session: CliSession,
  type: string,
  fields: string[],
  options: SubmitFlags,
): Promise<number | undefined> {
  const { client, out, terminal } = session;
  const {
    endpoint = [],
    events,
    metadata,
    timeoutS,
    idempotencyKey,
    wait,
    callbackSecret,
  } = options;
  const schema = hasTextFields(fields) ? await inputSchema(session, type) : {};
  const input = await readInput(terminal, options.input, fields, schema);
  const wanted = events === undefined ? {} : { events };
  if (callbackSecret !== undefined && options.callback === undefined) {
    throw usageError("--callback-secret goes with --callback");
  }
  if (callbackSecret === "-" && options.input === "-") {
    throw usageError("standard input holds the input or the secret, not both");
  }
  const secret =
    callbackSecret === undefined ? {} : { secret: await readSecret(terminal, callbackSecret) };
  const callbacks = [
    ...(options.callback ?? []).map((url) => ({ url, ...wanted, ...secret })),
    ...endpoint.map((id) => ({ endpoint_id: id, ...wanted })),
  ];
  if (events !== undefined && callbacks.length === 0) {
    throw usageError("--events goes with --callback or --endpoint");
  }
  const job = await client.jobs.submit(type, input, {
    callbacks,
    ...(metadata === undefined ? {} : { metadata: await readFields(metadata) }),
    ...(timeoutS === undefined ? {} : { timeout_s: timeoutS }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  if (wait !== undefined) return await waitAndShow(session, job, wait === true ? Infinity : wait);
  out.answer(job.data, () => showJob(session, job.data));
  return undefined;
}

/** The schema of a type's input; of one that is unknown the submission tells. */
async function inputSchema({ client, interrupted }: CliSession, type: string) {
  const types = await client.jobTypes.list({ signal: interrupted });
  return types.find(({ name }) => name === type)?.input_schema ?? {};
}

function addRetries(cli: Cli, jobs: Command): void {
  const retry = withSending(
    jobs
      .command("retry [ids...]")
      .description("run failed jobs again, each as a new one; those retried before are left out")
      .option("--type <type>", "of this job type")
      .option("--error-code <list>", "with one of these errors", collectList)
      .option("--since <time>", "created at this time or later: ISO 8601, or how long ago: 2h")
      .option("--until <time>", "created before this time"),
    false,
  );
  type Options = OrderOptions & RangeOptions & { type?: string; errorCode?: string[] };
  onApi(cli, retry, async (session, ids: string[], options: Options) => {
    const { type, errorCode } = options;
    const filter = {
      ...(ids.length === 0 ? {} : { ids }),
      ...(type === undefined ? {} : { type }),
      ...(errorCode === undefined ? {} : { error_code: errorCode }),
      ...rangeOf(options),
    };
    const how = { ...howOf(options), target: "jobs" as const };
    return await runReplay(session, { ...options, action: "replay", filter, how });
  });
  examples(
    retry,
    "jobs retry job_01…",
    "jobs retry --type csv.summary --since 2h --dry-run",
    "jobs retry --error-code timed_out --pace 5",
  );
  const failures = jobs
    .command("failures")
    .description("count failed jobs by type and error, without those retried");
  onApi(cli, failures, async ({ client, out }) => {
    const answer = await client.request("GET /v1/failed-jobs/groups", {});
    out.answer(answer, () => {
      if (answer.data.length === 0) return out.note("There are none.");
      out.table(answer.data, FAILURE_COLUMNS);
    });
  });
  examples(failures, "jobs failures");
}

const FAILURE_COLUMNS: readonly TextColumn<FailedJobGroup>[] = [
  { head: "COUNT", text: ({ count }) => count, right: true },
  { head: "TYPE", text: ({ type }) => type },
  { head: "ERROR", text: ({ error_code }) => error_code },
  { head: "FIRST", text: ({ first_at }) => relative(first_at) },
  { head: "LAST", text: ({ last_at }) => relative(last_at) },
  { head: "MESSAGE", text: ({ error_message }) => error_message, gives: true },
];

function addList(cli: Cli, jobs: Command): void {
  const list = withRange(
    withPaging(
      jobs
        .command("list")
        .description("list jobs, newest first")
        .addOption(oneOrMore("--status <list>", "with one of these", JOB_STATUSES))
        .addOption(oneOrMore("--not-status <list>", "with none of these", JOB_STATUSES))
        .option("--type <list>", "of these job types", collectList)
        .option("--not-type <list>", "of other job types than these", collectList)
        .option("--metadata <key=value>", "with this pair in its metadata"),
    ),
  );
  onApi(cli, list, async (session, options: ListOptions & RangeOptions) => {
    const names = ["status", "notStatus", "type", "notType", "metadata"];
    const filter = { ...queryOf(options, names), ...rangeOf(options) };
    await showList(
      session,
      options,
      (page) => {
        const query = { ...filter, ...page } as QueryOf<"GET /v1/jobs">;
        return session.client.request("GET /v1/jobs", { query });
      },
      jobColumns,
    );
  });
  examples(list, "jobs list --status failed,canceled --since 2h", "jobs list --limit 1000 --json");
}
